import { counterFamily, histogramFamily } from '../metrics/families.ts'

/** Upper edges in seconds; service levels are set on edges. */
const LATENCY_EDGES = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25,
  0.5, 1, 2.5, 5,
]
const SCORE_EDGES = Array.from({ length: 20 }, (_, step) => (step + 1) / 20)
const BATCH_EDGES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const LOAD_EDGES = [0.01, 0.05, 0.1, 0.5, 1, 5, 30]

const counterOf = (name: string, help: string, ...labels: string[]) => counterFamily({ name, help, labels })

/** The numbers that a gateway counts, one family each. */
export const createFamilies = () => ({
  ...predictionFamilies(),
  ...requestFamilies(),
  ...keptFamilies(),
  ...modelFamilies(),
})

/** What was predicted. */
const predictionFamilies = () => ({
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
  rows: counterOf('millwright_rows_total', 'Rows received.', 'deployment', 'model_version'),
  predicted: counterOf(
    'millwright_rows_predicted_total',
    'Rows that a model answered.',
    'deployment',
    'model_version',
  ),
  badRows: counterOf(
    'millwright_rows_refused_total',
    'Rows that the schema or the model refused.',
    'deployment',
    'model_version',
  ),
  engineSeconds: counterOf(
    'millwright_engine_seconds_total',
    'Time spent inside models.',
    'deployment',
    'model_version',
  ),
})

/** What was asked, and what became of it. */
const requestFamilies = () => ({
  requests: counterOf(
    'millwright_requests_total',
    'Requests answered by a gateway, by door and class of status.',
    'door',
    'status',
  ),
  requestSeconds: histogramFamily(
    {
      name: 'millwright_request_seconds',
      help: 'Requests for predictions, from the head of each to its answer, by what became of it.',
      labels: ['door', 'deployment', 'model_version', 'outcome'],
      native: true,
    },
    LATENCY_EDGES,
  ),
  queueSeconds: histogramFamily(
    {
      name: 'millwright_queue_seconds',
      help: 'Time that requests for predictions waited for their turn, by the version asked for.',
      labels: ['deployment', 'model_version'],
      native: true,
    },
    LATENCY_EDGES,
  ),
  errors: counterOf(
    'millwright_errors_total',
    'Requests answered with an error, by code.',
    ...['door', 'deployment', 'code'],
  ),
  cancelled: counterOf(
    'millwright_cancelled_total',
    'Requests whose callers went away, or whose deadline passed, before the answer.',
  ),
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
})

/** Of answers that need not be computed. */
const keptFamilies = () => ({
  cacheLookups: counterOf(
    'millwright_cache_lookups_total',
    'Lookups of answers in the cache of a deployment, by where they were found.',
    'deployment',
    'result',
  ),
  precomputed: counterOf(
    'millwright_precomputed_total',
    'Questions by key, by the answer that stood ready.',
    'deployment',
    'result',
  ),
})

/** What models do besides. */
const modelFamilies = () => ({
  batchRows: histogramFamily(
    {
      name: 'millwright_batch_rows',
      help: 'Rows that a hosted model ran at once, of one or several requests.',
    },
    BATCH_EDGES,
  ),
  batchWait: histogramFamily(
    {
      name: 'millwright_batch_wait_seconds',
      help: 'Time that requests for hosted models waited for the run they went with.',
    },
    LATENCY_EDGES,
  ),
  loads: histogramFamily(
    { name: 'millwright_model_load_seconds', help: 'From reading a program to its being warm.' },
    LOAD_EDGES,
  ),
  spans: counterOf(
    'millwright_trace_spans_total',
    'Spans of traces, by whether the receiver took them: exported, dropped.',
    'outcome',
  ),
  loadErrors: counterOf(
    'millwright_model_load_errors_total',
    'Versions that could not be loaded; the version before went on serving.',
  ),
})
