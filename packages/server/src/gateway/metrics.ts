import { collectDefaultMetrics, Registry } from 'prom-client'
import {
  type Counter,
  type CounterFamily,
  gauge,
  type Histogram,
  type HistogramFamily,
  type MetricJson,
  type Total,
} from '../metrics/families.ts'
import type { SegmentWriter } from '../segments/writer.ts'
import { createFamilies } from './metric-families.ts'

/** What the predictions of one version add to. */
export type VersionMetrics = {
  readonly latency: Histogram
  readonly score: Histogram
  outcome(name: string): Counter
}
/** What the requests for one version of one deployment add to. */
export type ServedMetrics = {
  readonly rows: Counter
  readonly predicted: Counter
  readonly badRows: Counter
  readonly engineSeconds: Counter
  /** Time that requests waited for their turn. */
  readonly queueSeconds: Histogram
  readonly requests: RequestMetrics
  /** When a row was last predicted, in milliseconds since 1970. */
  readonly lastPredicted: { ms: number }
}
/** How a version was found for a request. */
const ASSIGNMENTS = ['stable', 'candidate', 'no_unit', 'override'] as const
/** What became of a row that was copied to a shadow. */
const SHADOW_OUTCOMES = ['answered', 'refused', 'failed', 'dropped'] as const
/** `shared`: found with another gateway; `collapsed`: the same was being computed already. */
const CACHE_RESULTS = ['hit', 'shared', 'collapsed', 'miss'] as const
/** What stood ready for a key. */
const PRECOMPUTED_RESULTS = ['fresh', 'stale', 'missing', 'unreadable'] as const

type CountersBy<T extends readonly string[]> = Readonly<Record<T[number], Counter>>
export type SplitMetrics = CountersBy<typeof ASSIGNMENTS>
export type ShadowMetrics = CountersBy<typeof SHADOW_OUTCOMES>
export type CacheMetrics = CountersBy<typeof CACHE_RESULTS>
export type CacheResult = keyof CacheMetrics
export type PrecomputedMetrics = CountersBy<typeof PRECOMPUTED_RESULTS>

/** A counter of one deployment for each value of the label that tells them apart. */
const countersBy = <const T extends readonly string[]>(
  family: CounterFamily,
  deployment: string,
  values: T,
) => Object.fromEntries(values.map((value) => [value, family.with(deployment, value)])) as CountersBy<T>
/** Requests through the doors, one observation each: seconds from its head to its answer. */
export type RequestMetrics = {
  of(door: string, outcome: RequestOutcome): Histogram
  /** Through all doors so far. */
  total(outcome: RequestOutcome): Total
}
/**
 * `refused`: an error of the caller's (4xx), `failed`: of ours (5xx), `shed`: not taken up for want of room, `cancelled`: the
 * caller went away or his deadline passed.
 */
export type RequestOutcome = 'answered' | 'refused' | 'failed' | 'shed' | 'cancelled'

export type GatewayMetrics = ReturnType<typeof createMetrics>

/** All numbers of one gateway. */
export function createMetrics(build: { version: string }) {
  const families = createFamilies()
  const { predictions, latency, score } = families
  const [batchRows, batchWait] = [families.batchRows.with(), families.batchWait.with()]
  const served = new Map<string, ServedMetrics>()
  const state = { epoch: 0, inFlight: 0, queued: 0 }
  const epoch = gauge({ name: 'millwright_routing_epoch', help: 'Epoch served.' }, 'max', () => state.epoch)
  const inFlight = gauge(
    { name: 'millwright_requests_in_flight', help: 'Predictions and requests to control being answered.' },
    'sum',
    () => state.inFlight,
  )
  const queued = gauge(
    { name: 'millwright_queued_requests', help: 'Predictions that wait for their turn.' },
    'sum',
    () => state.queued,
  )
  const processMetrics = new Registry()
  collectDefaultMetrics({ register: processMetrics })

  return {
    state,
    requests: families.requests,
    errors: families.errors,
    loads: families.loads.with(),
    spans: { exported: families.spans.with('exported'), dropped: families.spans.with('dropped') },
    cancelled: families.cancelled.with(),
    onBatch: ({ rows, waitedMs }: { readonly rows: number; readonly waitedMs: readonly number[] }): void => {
      batchRows.observe(rows)
      for (const ms of waitedMs) batchWait.observe(ms / 1000)
    },
    loadErrors: families.loadErrors.with(),
    ofVersion(version: string): VersionMetrics {
      const outcomes = new Map<string, Counter>()
      const add = (name: string): Counter => {
        const counter = predictions.with(version, name)
        outcomes.set(name, counter)
        return counter
      }
      return {
        latency: latency.with(version),
        score: score.with(version),
        outcome: (name) => outcomes.get(name) ?? add(name),
      }
    },
    ofServed(deployment: string, version: string): ServedMetrics {
      const key = JSON.stringify([deployment, version])
      const found = served.get(key) ?? servedMetrics(families, deployment, version)
      served.set(key, found)
      return found
    },
    ofSplit: (name: string) => countersBy(families.splitRequests, name, ASSIGNMENTS),
    ofShadow: (name: string) => countersBy(families.shadowRows, name, SHADOW_OUTCOMES),
    ofCache: (name: string) => countersBy(families.cacheLookups, name, CACHE_RESULTS),
    ofPrecomputed: (name: string) => countersBy(families.precomputed, name, PRECOMPUTED_RESULTS),
    /** Requests that found no deployment. */
    unrouted: requestMetrics(families.requestSeconds, NO_DEPLOYMENT, ''),
    async toJson(log: SegmentWriter | undefined): Promise<MetricJson[]> {
      const own = [...Object.values(families), epoch, inFlight, queued].map((family) => family.toJson())
      const ofProcess = (await processMetrics.getMetricsAsJSON()) as unknown as MetricJson[]
      return [...own, buildInfo(build.version), ...(log === undefined ? [] : logMetrics(log)), ...ofProcess]
    },
  }
}

/** Stands for a deployment where there is none; no deployment can be called so. */
export const NO_DEPLOYMENT = '(none)'

const servedMetrics = (
  families: ReturnType<typeof createFamilies>,
  deployment: string,
  version: string,
): ServedMetrics => ({
  rows: families.rows.with(deployment, version),
  predicted: families.predicted.with(deployment, version),
  badRows: families.badRows.with(deployment, version),
  engineSeconds: families.engineSeconds.with(deployment, version),
  queueSeconds: families.queueSeconds.with(deployment, version),
  requests: requestMetrics(families.requestSeconds, deployment, version),
  lastPredicted: { ms: 0 },
})

/** Found by two properties, without a hash of labels. A name that callers made up is never a label. */
function requestMetrics(family: HistogramFamily, deployment: string, version: string): RequestMetrics {
  const found: Record<string, Partial<Record<RequestOutcome, Histogram>>> = {}
  return {
    of(door, outcome) {
      found[door] ??= {}
      found[door][outcome] ??= family.with(door, deployment, version, outcome)
      return found[door][outcome]
    },
    total(outcome) {
      const totals = Object.values(found).flatMap((one) => one[outcome]?.total() ?? [])
      return totals.reduce((all, { count, sum }) => ({ count: all.count + count, sum: all.sum + sum }), ZERO)
    },
  }
}
const ZERO: Total = { count: 0, sum: 0 }

const buildInfo = (version: string): MetricJson => ({
  name: 'millwright_build_info',
  help: 'Version of this program; always 1.',
  type: 'gauge',
  aggregator: 'first',
  values: [{ value: 1, labels: { version } }],
})

function logMetrics({ stats }: SegmentWriter): MetricJson[] {
  const metric = (
    name: string,
    help: string,
    values: MetricJson['values'],
    type: 'counter' | 'gauge' = 'counter',
  ) => ({ name, help, type, aggregator: 'sum', values }) as const
  const dropped = Object.entries(stats.dropped).map(([reason, value]) => ({ value, labels: { reason } }))
  return [
    metric('millwright_log_records_total', 'Prediction records written to disk.', [
      { value: stats.written, labels: {} },
    ]),
    metric('millwright_log_dropped_total', 'Prediction records lost, by reason.', dropped),
    metric(
      'millwright_log_backlog_bytes',
      'Prediction records waiting to be written.',
      [{ value: stats.backlogBytes, labels: {} }],
      'gauge',
    ),
  ]
}
