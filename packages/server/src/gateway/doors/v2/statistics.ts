import type { Served } from '../../served.ts'
import { type ServingTable, selectServed } from '../../serving-table.ts'

type Asked = { readonly name?: string; readonly version?: string }

const NOTHING = { count: 0, ns: 0 }
const UNANSWERED = ['refused', 'failed', 'shed', 'cancelled'] as const

/**
 * What Triton tells of a model: requests and rows since this gateway started, times in nanoseconds. Reading a request and
 * writing its answer are not timed by themselves.
 */
function describeStatistics({ routed, metrics }: Served) {
  const { requests, queueSeconds, engineSeconds, predicted, lastPredicted } = metrics
  const success = requests.total('answered')
  const failures = UNANSWERED.map((outcome) => requests.total(outcome))
  return {
    name: routed.name,
    version: String(routed.version.number),
    last_inference: lastPredicted.ms,
    inference_count: predicted.value,
    execution_count: success.count,
    inference_stats: {
      success: duration(success),
      fail: duration({
        count: failures.reduce((sum, { count }) => sum + count, 0),
        sum: failures.reduce((sum, one) => sum + one.sum, 0),
      }),
      queue: duration(queueSeconds.total()),
      compute_input: NOTHING,
      compute_infer: duration({ count: success.count, sum: engineSeconds.value }),
      compute_output: NOTHING,
      cache_hit: NOTHING,
      cache_miss: NOTHING,
    },
  }
}

const duration = ({ count, sum }: { readonly count: number; readonly sum: number }) => ({
  count,
  ns: Math.round(sum * 1e9),
})

/** Of a version, of all versions of a deployment, or of everything. @throws MillwrightError */
export function listStatistics(table: ServingTable, { name, version }: Asked) {
  const asked = name === undefined ? [...table.byName.values()] : [selectServed(table, { name })]
  const found =
    name !== undefined && version !== undefined
      ? [selectServed(table, { name, version })]
      : asked.flatMap(versionsOf)
  return { model_stats: found.map(describeStatistics) }
}

/** One for each version; the same version may stand there under several names. */
const versionsOf = (served: Served): Served[] => [
  ...new Map(
    [served, ...(served.release?.versions.values() ?? [])].map((one) => [one.routed.version.number, one]),
  ).values(),
]

/** Over REST there are lists of what is not counted here, too. */
export const statisticsJson = ({ model_stats }: ReturnType<typeof listStatistics>) => ({
  model_stats: model_stats.map((one) => ({ ...one, response_stats: {}, batch_stats: [], memory_usage: [] })),
})
