import { sentenceOf } from '@millwright/contracts/errors'
import type { Permission } from '@millwright/contracts/scopes'
import { VERSION } from '../../../version.ts'
import type { DoorManner, DoorRequest } from '../../door.ts'
import { type GrpcRoute, predictRoute, readRoute } from '../../grpc/route.ts'
import type { Rpc } from '../../protobuf/service.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import type { Served } from '../../served.ts'
import { selectServed } from '../../serving-table.ts'
import { inferTensors } from '../../tensors/infer.ts'
import { describeConfig, describeModel } from '../v2/metadata.ts'
import { EXTENSIONS } from '../v2/routes.ts'
import { listStatistics } from '../v2/statistics.ts'
import { DataType, ModelStreamInferResponse } from './messages.ts'
import { repositoryRoutes } from './repository.ts'
import { type InferRequest, parseInference, unitOfInference } from './request.ts'
import { type InferResponse, writeInference } from './response.ts'
import { INFERENCE } from './services.ts'
import { settingRoutes } from './settings.ts'

/** Open Inference Protocol V2 over gRPC, with the extensions of Triton, KServe and MLServer that clients use. */
export function v2GrpcRoutes(deps: RouteDeps): GrpcRoute[] {
  const read = <Q, A>(rpc: Rpc<Q, A>, answer: (message: Q) => A, permission: Permission = 'read') =>
    readRoute(deps, rpc, permission, answer)
  const model = (message: { name: string; version: string }): Served =>
    selectServed(deps.table(), paramsOf(message))
  const isReady = (): boolean => deps.health().isReady && !deps.health().isDraining
  return [
    read(INFERENCE.ServerLive, () => ({ live: true }), 'public'),
    read(INFERENCE.ServerReady, () => ({ ready: isReady() }), 'public'),
    read(INFERENCE.ServerMetadata, () => ({ name: 'millwright', version: VERSION, extensions: EXTENSIONS })),
    read(INFERENCE.ModelReady, (message) => ({ ready: isReady() && isServed(() => model(message)) })),
    read(INFERENCE.ModelMetadata, (message) => describeModel(model(message))),
    read(INFERENCE.ModelConfig, (message) => ({ config: configOf(model(message)) })),
    read(INFERENCE.ModelStatistics, (message) =>
      listStatistics(deps.table(), message.name === '' ? {} : paramsOf(message)),
    ),
    predictRoute(deps, INFERENCE.ModelInfer, {
      paramsOf: paramsOfInfer,
      answer: inferWith(deps),
      unitOf: unitOfInference,
    }),
    predictRoute(deps, INFERENCE.ModelStreamInfer, {
      paramsOf: paramsOfInfer,
      unitOf: unitOfInference,
      answer: streamWith(deps),
      manner: STREAM,
    }),
    ...repositoryRoutes(deps),
    ...settingRoutes(deps),
  ]
}

/** An empty version is none; an empty name is that of no deployment, the default one has to be named. */
const paramsOf = ({ name, version }: { name: string; version: string }): Params =>
  version === '' ? { name } : { name, version }
const paramsOfInfer = ({ model_name: name, model_version: version }: InferRequest): Params =>
  paramsOf({ name, version })

/** Clients ask whether a model is ready before it is there. */
function isServed(find: () => Served): boolean {
  try {
    return find() !== undefined
  } catch {
    return false
  }
}

function configOf(served: Served) {
  const config = describeConfig(served)
  const numbered = ({ data_type, ...tensor }: (typeof config.input)[number]) => ({
    ...tensor,
    data_type: DataType.values[data_type]!,
  })
  return { ...config, input: config.input.map(numbered), output: config.output.map(numbered) }
}

type Infer = (
  served: Served,
  message: InferRequest,
  request: DoorRequest,
) => InferResponse | Promise<InferResponse>

const inferWith =
  (deps: RouteDeps): Infer =>
  (served, message, { exchange, startedAt, signal }) => {
    const asked = parseInference(deps, served, message)
    const isRaw = message.raw_input_contents.length > 0
    const outputs = [...new Set(asked.outputs.map(({ method }) => method))]
    const { rows } = asked
    const watched = signal ?? (rows.count > served.nowRows ? exchange.gone() : undefined)
    const { id: requestId, span } = exchange
    const inference = { rows, outputs, requestId, startedAt, signal: watched, span }
    const tensors = inferTensors(deps, served, inference)
    return tensors instanceof Promise
      ? tensors.then((later) => writeInference(served, asked, later, isRaw))
      : writeInference(served, asked, tensors, isRaw)
  }

/** Inside a stream an error is an answer, and the stream goes on. */
function streamWith(deps: RouteDeps) {
  const infer = inferWith(deps)
  return (served: Served, message: InferRequest, request: DoorRequest) => {
    const answered = infer(served, message, request)
    return answered instanceof Promise
      ? answered.then((infer_response) => ({ infer_response }))
      : { infer_response: answered }
  }
}

const STREAM: DoorManner<InferRequest> = {
  door: 'grpc',
  word: (error, _served, message) => ({
    status: error.status,
    body: ModelStreamInferResponse.encode({
      error_message: sentenceOf(error),
      infer_response: { id: message?.id, model_name: message?.model_name },
    }),
  }),
}
