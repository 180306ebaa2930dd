import type { MetricJson, MetricValue } from './families.ts'

/** Servers whose names for metrics dashboards may ask for. */
export const ALIAS_SERVERS = ['triton', 'mlserver', 'kserve', 'tfserving'] as const
export type AliasServer = (typeof ALIAS_SERVERS)[number]

type Labels = MetricValue['labels']
type Alias = {
  readonly server: AliasServer
  readonly name: string
  readonly type: MetricJson['type']
  readonly labels: string
  /** What it is worked out from, for people. */
  readonly from: string
  readonly values: (read: Read) => MetricValue[]
}
/** Values of one of our metrics, or of one part of a histogram. */
type Read = (name: string, part?: '_count' | '_sum' | '_bucket') => readonly MetricValue[]

const REQUESTS = 'millwright_request_seconds'
const MICROSECONDS = 1e6

/** Values added up by other labels; those without any are left out. */
function sumBy(
  values: readonly MetricValue[],
  labelsOf: (labels: Labels) => Labels | undefined,
  scale = 1,
): MetricValue[] {
  const sums = new Map<string, { value: number; readonly labels: Labels }>()
  for (const { labels, value } of values) {
    const own = labelsOf(labels)
    if (own === undefined) continue
    const key = JSON.stringify(own)
    const sum = sums.get(key) ?? { value: 0, labels: own }
    sum.value += value * scale
    sums.set(key, sum)
  }
  return [...sums.values()]
}

const modelVersion = ({ deployment = '', model_version: version = '' }: Labels): Labels => ({
  model: deployment,
  version,
})
const answered = (labels: Labels): Labels | undefined =>
  labels.outcome === 'answered' ? modelVersion(labels) : undefined
const notAnswered = (labels: Labels): Labels | undefined =>
  labels.outcome === 'answered' ? undefined : modelVersion(labels)

/** Why a request failed, in Triton's words, and its status in TensorFlow's. */
const REASONS: Labels = { refused: 'OTHER', failed: 'BACKEND', shed: 'REJECTED', cancelled: 'CANCELED' }
const STATUSES: Labels = {
  ...{ answered: 'OK', refused: 'INVALID_ARGUMENT', failed: 'INTERNAL' },
  ...{ shed: 'UNAVAILABLE', cancelled: 'DEADLINE_EXCEEDED' },
}

/** A histogram's parts added up by other labels, in another unit. */
function histogram(read: Read, name: string, labelsOf: (labels: Labels) => Labels, scale = 1): MetricValue[] {
  const named = (part: string, values: readonly MetricValue[]) =>
    values.map((value) => ({ ...value, metricName: `${name}${part}` }))
  const edge = (le: Labels[string]) => (le === '+Inf' ? le : Number((Number(le) * scale).toPrecision(12)))
  return [
    ...named(
      '_bucket',
      sumBy(read(REQUESTS, '_bucket'), (labels) => ({ le: edge(labels.le ?? '+Inf'), ...labelsOf(labels) })),
    ),
    ...named('_sum', sumBy(read(REQUESTS, '_sum'), labelsOf, scale)),
    ...named('_count', sumBy(read(REQUESTS, '_count'), labelsOf)),
  ]
}

const counter = { type: 'counter', labels: '`model`, `version`' } as const

export const ALIASES: readonly Alias[] = [
  {
    ...{ server: 'triton', name: 'nv_inference_request_success', ...counter },
    from: `\`${REQUESTS}_count\`, answered`,
    values: (read) => sumBy(read(REQUESTS, '_count'), answered),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_request_failure', type: 'counter' },
    labels: '`model`, `version`, `reason`',
    from: `\`${REQUESTS}_count\`; refused: OTHER, failed: BACKEND, shed: REJECTED, cancelled: CANCELED`,
    values: (read) =>
      sumBy(read(REQUESTS, '_count'), (labels) => {
        const reason = REASONS[labels.outcome ?? '']
        return reason === undefined ? undefined : { ...modelVersion(labels), reason }
      }),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_count', ...counter },
    from: '`millwright_rows_predicted_total`',
    values: (read) => sumBy(read('millwright_rows_predicted_total'), modelVersion),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_exec_count', ...counter },
    from: `\`${REQUESTS}_count\`, answered: requests that share a run of a hosted model count each`,
    values: (read) => sumBy(read(REQUESTS, '_count'), answered),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_request_duration_us', ...counter },
    from: `\`${REQUESTS}_sum\`, answered, in microseconds`,
    values: (read) => sumBy(read(REQUESTS, '_sum'), answered, MICROSECONDS),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_queue_duration_us', ...counter },
    from: '`millwright_queue_seconds_sum`, in microseconds',
    values: (read) => sumBy(read('millwright_queue_seconds', '_sum'), modelVersion, MICROSECONDS),
  },
  {
    ...{ server: 'triton', name: 'nv_inference_compute_infer_duration_us', ...counter },
    from: '`millwright_engine_seconds_total`, in microseconds',
    values: (read) => sumBy(read('millwright_engine_seconds_total'), modelVersion, MICROSECONDS),
  },
  {
    ...{ server: 'mlserver', name: 'model_infer_request_success_total', ...counter },
    from: `\`${REQUESTS}_count\`, answered`,
    values: (read) => sumBy(read(REQUESTS, '_count'), answered),
  },
  {
    ...{ server: 'mlserver', name: 'model_infer_request_failure_total', ...counter },
    from: `\`${REQUESTS}_count\`, all others`,
    values: (read) => sumBy(read(REQUESTS, '_count'), notAnswered),
  },
  {
    ...{ server: 'mlserver', name: 'model_infer_request_duration_count', ...counter },
    from: `\`${REQUESTS}_count\``,
    values: (read) => sumBy(read(REQUESTS, '_count'), modelVersion),
  },
  {
    ...{ server: 'mlserver', name: 'model_infer_request_duration_sum', ...counter },
    from: `\`${REQUESTS}_sum\`, in seconds`,
    values: (read) => sumBy(read(REQUESTS, '_sum'), modelVersion),
  },
  {
    ...{ server: 'kserve', name: 'request_predict_seconds', type: 'histogram', labels: '`model_name`' },
    from: `\`${REQUESTS}\`: from the head of a request to its answer, with what KServe has in steps of its own`,
    values: (read) =>
      histogram(read, 'request_predict_seconds', ({ deployment = '' }) => ({ model_name: deployment })),
  },
  {
    ...{ server: 'tfserving', name: ':tensorflow:serving:request_count', type: 'counter' },
    labels: '`model_name`, `status`',
    from: `\`${REQUESTS}_count\`; answered: OK, refused: INVALID_ARGUMENT, failed: INTERNAL, shed: UNAVAILABLE, cancelled: DEADLINE_EXCEEDED`,
    values: (read) =>
      sumBy(read(REQUESTS, '_count'), ({ deployment = '', outcome = '' }) => ({
        model_name: deployment,
        status: STATUSES[outcome] ?? '',
      })),
  },
  {
    ...{ server: 'tfserving', name: ':tensorflow:serving:request_latency', type: 'histogram' },
    labels: '`model_name`, `API`, `entrypoint`',
    from: `\`${REQUESTS}\`, in microseconds; \`API\` is always predict, \`entrypoint\` GRPC or REST`,
    values: (read) =>
      histogram(
        read,
        ':tensorflow:serving:request_latency',
        ({ deployment = '', door }) => ({
          ...{ model_name: deployment, API: 'predict' },
          entrypoint: door === 'grpc' ? 'GRPC' : 'REST',
        }),
        MICROSECONDS,
      ),
  },
]

/** What some servers would call what `families` say, worked out from the same numbers. */
export function aliasesOf(families: readonly MetricJson[], servers: readonly AliasServer[]): MetricJson[] {
  const byName = new Map(families.map((family) => [family.name, family]))
  const read: Read = (name, part) =>
    byName
      .get(name)
      ?.values.filter(({ metricName }) => part === undefined || metricName === `${name}${part}`) ?? []
  return ALIASES.filter(({ server }) => servers.includes(server)).map(({ server, name, type, values }) => ({
    ...{ name, type, help: `As ${server} names it.`, aggregator: 'sum' },
    values: values(read),
  }))
}

/** Servers by their names, separated by commas. */
export const aliasServersOf = (text: string): AliasServer[] =>
  ALIAS_SERVERS.filter((server) => text.split(',').some((name) => name.trim() === server))
