import { type MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import type { Permission } from '@millwright/contracts/scopes'
import { VERSION } from '../../../version.ts'
import { createBodyDoor, createPredictDoor, createReadDoor, type DoorManner } from '../../door.ts'
import type { Exchange } from '../../exchange.ts'
import type { Reply, Worded } from '../../replies.ts'
import type { GatewayRoute } from '../../route.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import type { Served } from '../../served.ts'
import { selectServed } from '../../serving-table.ts'
import { inferTensors, type OutputTensor } from '../../tensors/infer.ts'
import { describeConfig, describeModel, indexOf } from './metadata.ts'
import { assertNoOverride, changeLoaded, parametersIn } from './repository.ts'
import { type InferenceBody, parseInference, readInference, unitOfInference } from './request.ts'
import { writeInference } from './response.ts'
import { listStatistics, statisticsJson } from './statistics.ts'
import { switchedOffRoutes } from './switched-off.ts'

export const EXTENSIONS = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'parameters',
  'statistics',
]

/** `{"error": text}`, and of the type that clients look for. */
const word = (error: MillwrightError): Worded => ({
  status: error.status,
  body: JSON.stringify({ error: sentenceOf(error) }),
})
const manner: DoorManner = { door: 'v2', word }

/** Open Inference Protocol V2 over REST, with the extensions of Triton that clients use. */
export function v2Routes(deps: RouteDeps): GatewayRoute[] {
  const read = (path: string, answer: (params: Params) => Reply, permission: Permission = 'read') => ({
    ...{ path, methods: ['GET', 'HEAD'], door: 'v2' as const, permission, word },
    answer: createReadDoor(deps, manner, (_exchange, params) => answer(params)),
  })
  const post = (path: string, permission: Permission, answer: GatewayRoute['answer']): GatewayRoute => ({
    ...{ path, methods: ['POST'], door: 'v2', permission, answer, word },
  })
  const model = (params: Params): Served => selectServed(deps.table(), params)
  const infer = inferDoor(deps)
  const index = createBodyDoor(deps, manner, () => json(indexOf(deps.table())))
  return [
    read('/v2', () => json({ name: 'millwright', version: VERSION, extensions: EXTENSIONS })),
    read('/v2/health/live', () => json({ live: true }), 'public'),
    read('/v2/health/ready', () => readiness(deps), 'public'),
    read('/v2/models', () => json({ models: [...deps.table().byName.keys()] })),
    // The body, empty or `{"ready": true}`, changes nothing: what is there is ready; and there is one repository.
    ...['/v2/repository/index', '/v2/repository/{name}/index'].map((path) => post(path, 'read', index)),
    ...(['load', 'unload'] as const).map((to) =>
      post(
        `/v2/repository/models/{name}/${to}`,
        'deploy',
        createBodyDoor(deps, manner, async (body, { name = '' }, exchange) => {
          assertNoOverride(parametersIn(body, deps.limits.jsonDepth))
          await changeLoaded(deps, exchange, { name, to })
          return { body: '' }
        }),
      ),
    ),
    // Before the model called so.
    ...['/v2/models/stats', '/v2/models/{name}/stats', '/v2/models/{name}/versions/{version}/stats'].map(
      (path) => read(path, (params) => json(statisticsJson(listStatistics(deps.table(), params)))),
    ),
    ...switchedOffRoutes(deps, manner),
    ...['/v2/models/{name}', '/v2/models/{name}/versions/{version}'].flatMap((path) => [
      read(path, (params) => json(describeModel(model(params)))),
      read(`${path}/ready`, (params) => json({ name: model(params).routed.name, ready: true })),
      read(`${path}/config`, (params) => json(describeConfig(model(params)))),
      post(`${path}/infer`, 'predict', infer),
    ]),
  ]
}

const json = (body: unknown): Reply => ({ body: JSON.stringify(body) })

function readiness({ health }: RouteDeps): Reply {
  const { isReady, isDraining } = health()
  const ready = isReady && !isDraining
  return { ...json({ live: true, ready }), status: ready ? 200 : 503 }
}

const inferDoor = (deps: RouteDeps): GatewayRoute['answer'] => {
  const read = (body: Buffer, _: Served, exchange: Exchange): InferenceBody =>
    readInference(deps, exchange, body)
  const reading = { door: 'v2', word, read, unitOf: unitOfInference } as const
  return createPredictDoor<InferenceBody>(deps, reading, (served, request, body) => {
    const asked = parseInference(deps, served, body)
    const { exchange, startedAt, signal } = request
    const outputs = [...new Set(asked.outputs.map(({ method }) => method))]
    const { id: requestId, span } = exchange
    const inference = { rows: asked.rows, outputs, requestId, startedAt, signal, span }
    const answer = (tensors: OutputTensor[]): Reply => writeInference(served, asked, tensors)
    const tensors = inferTensors(deps, served, inference)
    return tensors instanceof Promise ? tensors.then(answer) : answer(tensors)
  })
}
