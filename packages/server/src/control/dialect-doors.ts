import { z } from 'zod'
import type { Door } from './openapi.ts'

const anything = z.record(z.string(), z.unknown())
const list = z.array(z.unknown())
const value = z.union([z.string(), z.number(), z.boolean(), z.null(), list])

/** Errors as the clients of each dialect read them. */
const plain = z.object({ error: z.string() })
const mlflow = z.object({ error_code: z.string(), message: z.string() })
const torchServe = z.object({ code: z.int(), type: z.string(), message: z.string() })

const v1Rows = z.object({
  instances: list.optional(),
  inputs: z.union([list, anything]).optional(),
  signature_name: z.string().optional(),
})
const v1Answer = z.object({ predictions: z.array(value), outputs: z.array(value).optional() })
const examples = z.object({ examples: z.array(anything), context: anything.optional() })
const status = z.object({ name: z.string(), ready: z.boolean(), model_version_status: z.array(anything) })
const invocation = z.object({
  dataframe_split: anything.optional(),
  dataframe_records: z.array(anything).optional(),
  instances: list.optional(),
  inputs: z.union([list, anything]).optional(),
})
const predictions = z.object({ predictions: z.array(value) })
const tensors = z.object({ inputs: z.array(anything), outputs: z.array(anything).optional() })

type Row = readonly [operation: string, summary: string, answer: z.ZodType, body?: z.ZodType]

const V1: readonly Row[] = [
  ['GET /v1/models', 'Names of deployments', z.object({ models: z.array(z.string()) })],
  ['GET /v1/models/{deployment}', 'Status of a deployment', status],
  ['GET /v1/models/{deployment}/versions/{version}', 'Status of a version', status],
  ['GET /v1/models/{deployment}/metadata', 'Tensors of its signatures', anything],
  [
    'POST /v1/models/{deployment}:predict',
    'KServe V1 and TensorFlow Serving: rows or columns',
    v1Answer,
    v1Rows,
  ],
  [
    'POST /v1/models/{deployment}:classify',
    'TensorFlow Serving: classes and probabilities',
    z.object({ results: z.array(list) }),
    examples,
  ],
  [
    'POST /v1/models/{deployment}:regress',
    'TensorFlow Serving: numbers',
    z.object({ results: z.array(value) }),
    examples,
  ],
]
const V2: readonly Row[] = [
  ['GET /v2', 'Open Inference Protocol V2: the server', anything],
  ['GET /v2/models/{deployment}', 'Tensors of a deployment', anything],
  ['GET /v2/models/{deployment}/ready', 'Whether it is served', anything],
  ['POST /v2/models/{deployment}/infer', 'Tensors in JSON or bytes', anything, tensors],
]
const MLFLOW: readonly Row[] = [
  ['POST /invocations', 'MLflow and SageMaker: rows of the default deployment', predictions, invocation],
  ['POST /endpoints/{deployment}/invocations', 'SageMaker’s runtime API', predictions, invocation],
  ['GET /ping', 'Whether predictions are answered', anything],
  ['GET /version', 'Version of Millwright', z.string()],
]
const TORCH_SERVE: readonly Row[] = [
  ['POST /predictions/{deployment}', 'TorchServe: rows', z.array(value), z.union([list, anything])],
  ['GET /models', 'Names of deployments', anything],
  ['GET /models/{deployment}', 'A deployment and its worker', z.array(anything)],
]

/** Asked by probes, which have no keys. */
const PUBLIC = new Set(['/ping', '/version'])

const permissionOf = (method: Door['method'], path: string): Door['permission'] => {
  if (PUBLIC.has(path)) return 'public'
  return method === 'POST' ? 'predict' : 'read'
}

/** The dialects of other servers, as far as their clients need a description; the rest is in docs/reference/protocols.md. */
export const dialectDoors: readonly Door[] = [
  ...describe(V1, plain),
  ...describe(V2, plain),
  ...describe(MLFLOW, mlflow),
  ...describe(TORCH_SERVE, torchServe),
]

function describe(rows: readonly Row[], error: z.ZodType): Door[] {
  return rows.map(([operation, summary, answer, body]) => {
    const [method, path = ''] = operation.split(' ') as [Door['method'], string]
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name!, z.string()] as const)
    return {
      ...{ method, path, permission: permissionOf(method, path), summary, tag: 'dialects' },
      ...{ answers: { 200: answer }, error },
      ...(names.length > 0 && { params: z.object(Object.fromEntries(names)) }),
      ...(body !== undefined && { body }),
    }
  })
}
