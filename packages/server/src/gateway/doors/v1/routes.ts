import { MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import { jsonString } from '../../../json-text.ts'
import { createPredictDoor, createReadDoor, type DoorManner, type DoorRequest } from '../../door.ts'
import { answerJson, answersJson, answerWhole } from '../../infer-whole.ts'
import type { PredictedRow } from '../../predicted-row.ts'
import type { Reply, Worded } from '../../replies.ts'
import { asksNoPage, type GatewayRoute } from '../../route.ts'
import type { Params } from '../../router.ts'
import type { RouteDeps } from '../../routes.ts'
import type { Served } from '../../served.ts'
import { selectServed } from '../../serving-table.ts'
import { describeSignatures, describeStatus } from './metadata.ts'
import { parseExamples, parsePredict } from './request.ts'

/** `{"error": text}`, as both KServe and TensorFlow Serving word it. */
const word = (error: MillwrightError): Worded => ({
  status: error.status,
  body: JSON.stringify({ error: sentenceOf(error) }),
})

/** A version by its number, or by its label. */
const versioned = ({ name, version, label }: Params): Params => {
  const asked = version ?? label
  return { ...(name !== undefined && { name }), ...(asked !== undefined && { version: asked }) }
}
const manner: DoorManner = { door: 'v1', word, target: (_exchange, params) => versioned(params) }

const MODEL = '/v1/models/{name}'
/** A model, a version of it, and a version by its label. */
const MODELS = [MODEL, `${MODEL}/versions/{version}`, `${MODEL}/labels/{label}`]

/** KServe V1 and TensorFlow Serving's REST, which share their paths. */
export function v1Routes(deps: RouteDeps): GatewayRoute[] {
  const served = (params: Params): Served => selectServed(deps.table(), versioned(params))
  const read = (path: string, answer: (params: Params) => unknown): GatewayRoute => ({
    ...{ path, methods: ['GET', 'HEAD'], door: 'v1', permission: 'read', word },
    answer: createReadDoor(deps, manner, (_exchange, params) => ({ body: JSON.stringify(answer(params)) })),
  })
  const verb = (name: string, answer: GatewayRoute['answer']): GatewayRoute[] =>
    MODELS.map((path) => ({
      ...{ path: `${path}:${name}`, methods: ['POST'], door: 'v1', permission: 'predict', word, answer },
    }))
  const ask = (answer: Answerer) =>
    createPredictDoor(deps, manner, (model, request) => answer(deps, model, request))
  return [
    ...verb('predict', ask(predict)),
    ...verb('classify', ask(classify)),
    ...verb('regress', ask(regress)),
    ...verb('explain', ask(explain)),
    ...MODELS.flatMap((path) => [
      read(`${path}/metadata`, (params) => describeSignatures(served(params))),
      read(path, (params) => describeStatus(served(params))),
    ]),
    read('/v1/models', () => ({ models: [...deps.table().byName.keys()] })),
    { ...read('/', () => ({ status: 'alive' })), permission: 'public', takes: asksNoPage },
  ]
}

type Answerer = (deps: RouteDeps, served: Served, request: DoorRequest) => Reply | Promise<Reply>

function predict(deps: RouteDeps, served: Served, request: DoorRequest): Reply | Promise<Reply> {
  const { rows, method, isColumnForm } = parsePredict(deps, served, request.body)
  const write = (answered: readonly PredictedRow[]): Reply => {
    const answers = answersJson(answered, method)
    // KServe's clients read the one, TensorFlow Serving's the other.
    return { body: `{"predictions":${answers}${isColumnForm ? `,"outputs":${answers}` : ''}}` }
  }
  const outputs = method === served.labelMethod ? undefined : [method]
  return answerWhole(deps, served, request, { rows, outputs, write })
}

/** Each class with its probability, for each example. */
function classify(deps: RouteDeps, served: Served, request: DoorRequest): Reply | Promise<Reply> {
  const { routed, probabilityKeys } = served
  if (probabilityKeys === undefined)
    throw notOffered(`:classify of ${routed.name}, which has no probabilities,`, 'ask :predict')
  const labels = routed.version.schema.classes[0]!.map((label) => jsonString(String(label)))
  const scored = (row: PredictedRow): string => {
    const scores = JSON.parse(answerJson(row, 'predict_proba')) as number[]
    return `[${scores.map((score, column) => `[${labels[column]},${score}]`).join(',')}]`
  }
  const rows = parseExamples(deps, served, request.body)
  const write = (answered: readonly PredictedRow[]) => results(`[${answered.map(scored).join(',')}]`)
  return answerWhole(deps, served, request, { rows, write })
}

/** A number for each example. */
function regress(deps: RouteDeps, served: Served, request: DoorRequest): Reply | Promise<Reply> {
  const { routed, labelMethod } = served
  if (routed.version.schema.classes.length > 0 || labelMethod !== 'predict')
    throw notOffered(`:regress of ${routed.name}, which is no regression,`, 'ask :predict or :classify')
  const rows = parseExamples(deps, served, request.body)
  const write = (answered: readonly PredictedRow[]) => results(answersJson(answered, labelMethod))
  return answerWhole(deps, served, request, { rows, write })
}

function explain(): never {
  throw notOffered('explaining a prediction', 'ask :predict')
}

const results = (json: string): Reply => ({ body: `{"results":${json}}` })

const notOffered = (what: string, instead: string) => new MillwrightError('NOT_OFFERED', { what, instead })
