import type { Cell } from '@millwright/engine'
import { VERSION } from '../../../version.ts'
import { createPredictDoor, createReadDoor, type DoorManner, type DoorRequest } from '../../door.ts'
import { answersJson, answerWhole } from '../../infer-whole.ts'
import type { PredictedRow } from '../../predicted-row.ts'
import type { Reply } from '../../replies.ts'
import type { GatewayRoute } from '../../route.ts'
import type { RouteDeps } from '../../routes.ts'
import type { Served } from '../../served.ts'
import { readAccept, readMedia } from './media.ts'
import { parseInvocation } from './request.ts'
import { headersOf, idsOf, targetOf } from './sagemaker.ts'
import { wordMlflow, wordSageMaker } from './words.ts'

const mlflow: DoorManner = { door: 'mlflow', word: wordMlflow, target: targetOf }
const sageMaker: DoorManner = { door: 'sagemaker', word: wordSageMaker, target: targetOf }

/**
 * MLflow's scoring server, which SageMaker's containers resemble: `/invocations` is both. `/endpoints/…` is SageMaker's
 * runtime API, as its clients call it; their signature is not looked at.
 */
export function invocationRoutes(deps: RouteDeps): GatewayRoute[] {
  const post = (path: string, manner: DoorManner, answersLikeAsked: boolean): GatewayRoute => ({
    ...{ path, methods: ['POST'], door: manner.door, permission: 'predict', word: manner.word! },
    answer: createPredictDoor(deps, manner, (served, request) =>
      invoke(deps, served, request, answersLikeAsked),
    ),
  })
  const read = (path: string, answer: () => Reply): GatewayRoute => ({
    ...{ path, methods: ['GET', 'HEAD'], door: 'mlflow', permission: 'public', word: wordMlflow },
    answer: createReadDoor(deps, mlflow, answer),
  })
  const ping = (): Reply => pingOf(deps)
  return [
    post('/invocations', mlflow, false),
    post('/endpoints/{name}/invocations', sageMaker, true),
    read('/ping', ping),
    read('/ping/', ping),
    read('/version', () => ({ body: VERSION, type: 'text/plain' })),
  ]
}

/** Of the bodies that MLflow, SageMaker and TorchServe answer, the only one that somebody reads is TorchServe's. */
function pingOf({ health }: RouteDeps): Reply {
  const { isReady, isDraining } = health()
  const healthy = isReady && !isDraining
  return { status: healthy ? 200 : 503, body: `{"status":"${healthy ? 'Healthy' : 'Unhealthy'}"}` }
}

/** @param answersLikeAsked CSV is answered by CSV when the caller does not say what to accept */
function invoke(
  deps: RouteDeps,
  served: Served,
  request: DoorRequest,
  answersLikeAsked: boolean,
): Reply | Promise<Reply> {
  const { exchange } = request
  const media = readMedia(exchange)
  const accepted = readAccept(exchange) ?? (answersLikeAsked ? media.form : 'json')
  const rows = parseInvocation(deps, served, request, media)
  const headers = answersLikeAsked ? headersOf(exchange, served) : undefined
  const write = (answered: readonly PredictedRow[]): Reply =>
    accepted === 'csv'
      ? { type: 'text/csv; charset=utf-8', body: csvOf(answered), headers }
      : { body: `{"predictions":${answersJson(answered, served.labelMethod)}}`, headers }
  return answerWhole(deps, served, request, { rows, ids: idsOf(exchange, rows.count), write })
}

/** One line a row. */
const csvOf = (rows: readonly PredictedRow[]): string =>
  rows.map(({ label }) => `${[label].flat().map(csvField).join(',')}\n`).join('')

function csvField(value: Cell): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
