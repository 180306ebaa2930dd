import { collectDefaultMetrics, Registry } from 'prom-client'
import {
  type Counter,
  type CounterFamily,
  counterFamily,
  gauge,
  type Histogram,
  histogramFamily,
  type MetricJson,
} from '../metrics/families.ts'
import type { SegmentWriter } from '../segments/writer.ts'

/** Upper edges in seconds; service levels are set on edges. */
const LATENCY_EDGES = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25,
  0.5, 1, 2.5, 5,
]
const SCORE_EDGES = Array.from({ length: 20 }, (_, step) => (step + 1) / 20)
const BATCH_EDGES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const LOAD_EDGES = [0.01, 0.05, 0.1, 0.5, 1, 5, 30]

/** What the predictions of one version add to. */
export type VersionMetrics = {
  readonly latency: Histogram
  readonly score: Histogram
  outcome(name: string): Counter
}
/** What the predictions of one deployment add to. */
export type DeploymentMetrics = {
  readonly rows: Counter
  readonly badRows: Counter
  readonly engineSeconds: Counter
}
/** How a version was found for a request. */
const ASSIGNMENTS = ['stable', 'candidate', 'no_unit', 'override'] as const
/** What became of a row that was copied to a shadow. */
const SHADOW_OUTCOMES = ['answered', 'refused', 'failed', 'dropped'] as const
/** `shared`: found with another gateway; `collapsed`: the same was being computed already. */
const CACHE_RESULTS = ['hit', 'shared', 'collapsed', 'miss'] as const
/** What stood ready for a key. */
const PRECOMPUTED_RESULTS = ['fresh', 'stale', 'missing'] as const

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

export type GatewayMetrics = ReturnType<typeof createMetrics>

/** All numbers of one gateway. */
export function createMetrics(build: { version: string }) {
  const families = { ...createFamilies(), ...besideFamilies() }
  const { predictions, latency, score, rows, badRows, engineSeconds } = families
  const state = { epoch: 0, inFlight: 0 }
  const epoch = gauge({ name: 'millwright_routing_epoch', help: 'Epoch served.' }, 'max', () => state.epoch)
  const inFlight = gauge(
    { name: 'millwright_requests_in_flight', help: 'Predictions and requests to control being answered.' },
    'sum',
    () => state.inFlight,
  )
  const processMetrics = new Registry()
  collectDefaultMetrics({ register: processMetrics })

  return {
    state,
    requests: families.requests,
    errors: families.errors,
    loads: families.loads.with(),
    cancelled: families.cancelled.with(),
    batchRows: families.batchRows.with(),
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
    ofDeployment: (deployment: string): DeploymentMetrics => ({
      rows: rows.with(deployment),
      badRows: badRows.with(deployment),
      engineSeconds: engineSeconds.with(deployment),
    }),
    ofSplit: (name: string) => countersBy(families.splitRequests, name, ASSIGNMENTS),
    ofShadow: (name: string) => countersBy(families.shadowRows, name, SHADOW_OUTCOMES),
    ofCache: (name: string) => countersBy(families.cacheLookups, name, CACHE_RESULTS),
    ofPrecomputed: (name: string) => countersBy(families.precomputed, name, PRECOMPUTED_RESULTS),
    async toJson(log: SegmentWriter | undefined): Promise<MetricJson[]> {
      const own = [...Object.values(families), epoch, inFlight].map((family) => family.toJson())
      const ofProcess = (await processMetrics.getMetricsAsJSON()) as unknown as MetricJson[]
      return [...own, buildInfo(build.version), ...(log === undefined ? [] : logMetrics(log)), ...ofProcess]
    },
  }
}

const counterOf = (name: string, help: string, ...labels: string[]) => counterFamily({ name, help, labels })

/** Of what deployments may have beside their model. */
const besideFamilies = () => ({
  splitRequests: counterOf(
    'millwright_split_requests_total',
    'Requests during rollouts, by how their version was found.',
    'deployment',
    'assignment',
  ),
  shadowRows: counterOf(
    'millwright_shadow_rows_total',
    'Rows copied to candidates, by what became of them.',
    'deployment',
    'outcome',
  ),
  precomputed: counterOf(
    'millwright_precomputed_total',
    'Questions by key, by the answer that stood ready.',
    'deployment',
    'result',
  ),
  cacheLookups: counterOf(
    'millwright_cache_lookups_total',
    'Lookups of answers in the cache of a deployment, by where they were found.',
    'deployment',
    'result',
  ),
})

const createFamilies = () => ({
  predictions: counterOf(
    'ml_predictions_total',
    'Rows predicted, by version of the model and what came out.',
    'model_version',
    'outcome',
  ),
  latency: histogramFamily(
    {
      name: 'ml_prediction_latency_seconds',
      help: 'From the received request to its answer, one observation a request.',
      labels: ['model_version'],
    },
    LATENCY_EDGES,
  ),
  score: histogramFamily(
    {
      name: 'ml_prediction_score',
      help: 'Probabilities that the decision looked at, one observation a row.',
      labels: ['model_version'],
    },
    SCORE_EDGES,
  ),
  requests: counterOf(
    'millwright_requests_total',
    'Requests answered by a gateway, by door and class of status.',
    'door',
    'status',
  ),
  errors: counterOf('millwright_errors_total', 'Requests answered with an error, by code.', 'code'),
  rows: counterOf('millwright_rows_total', 'Rows received.', 'deployment'),
  badRows: counterOf(
    'millwright_rows_refused_total',
    'Rows that the schema or the model refused.',
    'deployment',
  ),
  engineSeconds: counterOf('millwright_engine_seconds_total', 'Time spent inside models.', 'deployment'),
  batchRows: histogramFamily(
    {
      name: 'millwright_batch_rows',
      help: 'Rows that a hosted model ran at once, of one or several requests.',
    },
    BATCH_EDGES,
  ),
  cancelled: counterOf(
    'millwright_cancelled_total',
    'Requests whose callers went away, or whose deadline passed, before the answer.',
  ),
  loads: histogramFamily(
    { name: 'millwright_model_load_seconds', help: 'From reading a program to its being warm.' },
    LOAD_EDGES,
  ),
  loadErrors: counterOf(
    'millwright_model_load_errors_total',
    'Versions that could not be loaded; the version before went on serving.',
  ),
})

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
