import type { Served } from '../../served.ts'

/** What Triton tells of a model: requests and rows answered since this gateway started, times in nanoseconds. */
export function describeStatistics({ routed, metrics, versionMetrics }: Served) {
  const { count, sum } = versionMetrics.latency.total()
  const refused = metrics.badRows.value
  return {
    name: routed.name,
    version: String(routed.version.number),
    inference_count: metrics.rows.value - refused,
    execution_count: count,
    inference_stats: {
      success: { count, ns: nanoseconds(sum) },
      /** Rows, not requests. */
      fail: { count: refused, ns: 0 },
      compute_infer: { count, ns: nanoseconds(metrics.engineSeconds.value) },
    },
  }
}

const nanoseconds = (seconds: number): number => Math.round(seconds * 1e9)
