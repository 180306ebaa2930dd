import { type ErrorCode, MillwrightError, problemOf } from '@millwright/contracts/errors'
import { type Logger, logRequest } from '../logging.ts'
import type { Counter } from '../metrics/families.ts'
import { COMPRESSED_BYTES, chooseEncoding, compress } from './encodings.ts'
import { type Answer, type Exchange, pathOf } from './exchange.ts'
import { type GatewayMetrics, NO_DEPLOYMENT } from './metrics.ts'
import { endWithAnswer } from './tracing/request-span.ts'
import { readTraceContext } from './tracing/trace-context.ts'

/** The ways into a gateway; a label of metrics. */
export type Door =
  | 'native'
  | 'plain'
  | 'v1'
  | 'v2'
  | 'mlflow'
  | 'sagemaker'
  | 'torchserve'
  | 'grpc'
  | 'jobs'
  | 'precomputed'
  | 'health'
  | 'metrics'
  | 'proxy'

export type Reply = Omit<Answer, 'type' | 'status'> & {
  readonly status?: number
  readonly type?: string
  /** Of an error, for the request log. */
  readonly code?: ErrorCode
  /** Not compressed, however the caller likes it. */
  readonly isPlain?: true
}

/** Sends answers and counts them. */
export type Replies = {
  readonly send: (door: Door, exchange: Exchange, reply: Reply) => void
  /** Answers what was thrown as a problem document, or as the door words it. What nobody expected is logged whole. */
  readonly sendError: (door: Door, exchange: Exchange, fault: unknown, how?: ErrorManner) => void
  /** From now on every answer closes its connection. */
  readonly closeConnections: () => void
}
/** An error in a dialect's own words. */
export type Worded = Omit<Answer, 'type'> & { readonly type?: string }
type ErrorManner = {
  readonly word?: ((error: MillwrightError) => Worded | undefined) | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The one asked, where there is one of that name. */
  readonly deployment?: string | undefined
}

const JSON_TYPE = 'application/json'
const RETRY = new Set([429, 503])

export function createReplies(metrics: GatewayMetrics, logger: Logger): Replies {
  const statuses = new Map<Door, Counter[]>()
  const countersOf = (door: Door): Counter[] => {
    const found = statuses.get(door)
    if (found !== undefined) return found
    const counters = Array.from({ length: 6 }, (_, hundred) => ({ hundred })).map(({ hundred }) =>
      hundred < 2 ? { value: 0 } : metrics.requests.with(door, `${hundred}xx`),
    )
    statuses.set(door, counters)
    return counters
  }
  let closing = false

  const logsAll = logger.isLevelEnabled('debug')
  const log = (exchange: Exchange, status: number, code?: ErrorCode): void =>
    logRequest(logger, {
      method: exchange.method,
      path: pathOf(exchange),
      status,
      durationNs: Math.round((performance.now() - exchange.startedAt) * 1e6),
      requestId: exchange.id,
      traceId: exchange.span?.traceId ?? readTraceContext(exchange)?.traceId,
      errorCode: code,
    })

  const send: Replies['send'] = (door, exchange, reply) => {
    const { status = 200, type = JSON_TYPE, body, headers, code, isPlain } = reply
    countersOf(door)[Math.trunc(status / 100)]!.value += 1
    const answer = { status, type, body, headers }
    if (body.length < COMPRESSED_BYTES || isPlain) exchange.respond(answer, closing)
    else respondCompressed(exchange, answer, () => closing)
    if (status >= 400 || logsAll) log(exchange, status, code)
    if (exchange.span !== undefined) endWithAnswer(exchange.span, { status, code, headers })
  }
  return {
    send,
    sendError: (door, exchange, fault, { word, headers, deployment } = {}) => {
      const error = errorOf(fault, exchange.id)
      if (error.code === 'INTERNAL') logger.error({ error: fault }, 'request failed')
      metrics.errors.with(door, deployment ?? NO_DEPLOYMENT, error.code).value += 1
      const worded = word?.(error)
      const answer: Reply = worded === undefined ? problemAnswer(error, exchange) : worded
      const retry = RETRY.has(error.status) ? { 'retry-after': retryAfter(error) } : undefined
      send(door, exchange, {
        ...answer,
        code: error.code,
        headers: { ...answer.headers, ...retry, ...headers },
      })
    },
    closeConnections: () => {
      closing = true
    },
  }
}

/** A long answer as the caller likes it; caches are told that others may like it otherwise. */
function respondCompressed(exchange: Exchange, answer: Answer, closing: () => boolean): void {
  const encoding = chooseEncoding(exchange.header('accept-encoding'))
  const headers = { ...answer.headers, vary: 'accept-encoding' }
  const plain = { ...answer, headers }
  if (encoding === undefined || exchange.method === 'HEAD') exchange.respond(plain, closing())
  else
    compress(encoding, answer.body, (body) =>
      exchange.respond(
        body === undefined
          ? plain
          : { ...plain, body, headers: { ...headers, 'content-encoding': encoding } },
        closing(),
      ),
    )
}

/** In seconds: as the error says, else soon. */
const retryAfter = ({ params }: MillwrightError): string =>
  'waitSeconds' in params ? String(params.waitSeconds) : '1'

const problemAnswer = (error: MillwrightError, { id }: Exchange) => ({
  status: error.status,
  type: 'application/problem+json',
  body: JSON.stringify(problemOf(error, id)),
})

/** An error of ours or of nobody, as one of the table. */
const errorOf = (fault: unknown, requestId: string): MillwrightError =>
  fault instanceof MillwrightError ? fault : new MillwrightError('INTERNAL', { requestId }, { cause: fault })
