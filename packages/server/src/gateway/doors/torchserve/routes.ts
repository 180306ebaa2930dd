import { MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import { createPredictDoor, createReadDoor, type DoorManner } from '../../door.ts'
import { answersJson, answerWhole } from '../../infer-whole.ts'
import type { PredictedRow } from '../../predicted-row.ts'
import type { Reply, Worded } from '../../replies.ts'
import { asksNoPage, type GatewayRoute } from '../../route.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import type { Served } from '../../served.ts'
import { selectServed } from '../../serving-table.ts'
import { parsePredictions } from './request.ts'

/** TorchServe's names of errors: by code, else by status. */
const TYPES: Readonly<Record<string, string>> = {
  DEPLOYMENT_NOT_FOUND: 'ModelNotFoundException',
  VERSION_NOT_SERVED: 'ModelVersionNotFoundException',
  404: 'ResourceNotFoundException',
  405: 'MethodNotAllowedException',
  429: 'ServiceUnavailableException',
  413: 'RequestEntityTooLargeException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
  504: 'InternalServerException',
}

/** `{"code": status, "type", "message"}`. */
const word = (error: MillwrightError): Worded => {
  const { status } = error
  const type = TYPES[error.code] ?? TYPES[status] ?? 'BadRequestException'
  return { status, body: JSON.stringify({ code: status, type, message: sentenceOf(error) }) }
}
const manner: DoorManner = { door: 'torchserve', word }

/** TorchServe's inference API, and what its management API tells; what it would change is done by `millwright`. */
export function torchServeRoutes(deps: RouteDeps): GatewayRoute[] {
  const predict = createPredictDoor(deps, manner, (served, request) => {
    const write = (rows: readonly PredictedRow[]): Reply => ({ body: answersJson(rows, served.labelMethod) })
    return answerWhole(deps, served, request, { rows: parsePredictions(deps, served, request), write })
  })
  const explain = createPredictDoor(deps, manner, () => {
    throw new MillwrightError('NOT_OFFERED', { what: 'explaining a prediction', instead: 'ask /predictions' })
  })
  // `curl -T` sends PUT.
  const post = (path: string, answer: GatewayRoute['answer']): GatewayRoute => ({
    ...{ path, methods: ['POST', 'PUT'], door: 'torchserve', permission: 'predict', word, answer },
  })
  const read = (path: string, answer: (params: Params) => unknown): GatewayRoute => ({
    ...{ path, methods: ['GET', 'HEAD'], door: 'torchserve', permission: 'read', word, takes: asksNoPage },
    answer: createReadDoor(deps, manner, (_exchange, params) => ({ body: JSON.stringify(answer(params)) })),
  })
  const describe = (params: Params) => [describeModel(selectServed(deps.table(), params))]
  return [
    post('/predictions/{name}', predict),
    post('/predictions/{name}/', predict),
    post('/predictions/{name}/{version}', predict),
    post('/models/{name}/invoke', predict),
    post('/explanations/{name}', explain),
    read('/models', () => ({ models: [...deps.table().byName.values()].map(nameModel) })),
    read('/models/{name}', describe),
    read('/models/{name}/all', describe),
    read('/models/{name}/{version}', describe),
  ]
}

const nameModel = ({ routed: { name, model } }: Served) => ({ modelName: name, modelUrl: model })

/** The fields that clients read; a gateway is one worker of every model, and lets nothing wait. */
const describeModel = (served: Served) => ({
  ...nameModel(served),
  modelVersion: String(served.routed.version.number),
  runtime: 'millwright',
  minWorkers: 1,
  maxWorkers: 1,
  batchSize: 1,
  maxBatchDelay: 0,
  loadedAtStartup: true,
  workers: [{ id: '0', status: 'READY' }],
})
