import { type ErrorCode, MillwrightError, problemOf } from '@millwright/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Logger, logRequest } from '../logging.ts'
import type { Counter } from '../metrics/families.ts'
import type { GatewayMetrics } from './metrics.ts'

/** The ways into a gateway; a label of metrics. */
export type Door = 'native' | 'plain' | 'health' | 'metrics' | 'proxy'

type Answer = {
  readonly status: number
  readonly type?: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of an error, for the request log. */
  readonly code?: ErrorCode
}

/** Writes answers past fastify's reply: the text is ready, and what it would look up is known. */
export type Replies = {
  readonly send: (door: Door, request: FastifyRequest, reply: FastifyReply, answer: Answer) => void
  /** Answers an error as a problem document, or as the door words it. */
  readonly sendError: (door: Door, request: FastifyRequest, reply: FastifyReply, error: FaultAnswer) => void
  /** From now on every answer closes its connection. */
  readonly closeConnections: () => void
}
type FaultAnswer = {
  readonly error: MillwrightError
  readonly worded?: { status: number; text: string } | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const JSON_TYPE = 'application/json'

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
  const log = (request: FastifyRequest, reply: FastifyReply, status: number, code?: ErrorCode): void =>
    logRequest(logger, {
      method: request.method,
      path: pathOf(request.url),
      status,
      durationNs: Math.round(reply.elapsedTime * 1e6),
      requestId: request.id,
      errorCode: code,
    })

  const send: Replies['send'] = (door, request, reply, answer) => {
    const { status, type = JSON_TYPE, text, headers, code } = answer
    countersOf(door)[Math.trunc(status / 100)]!.value += 1
    reply.hijack()
    // What is left of a body would be read to its end only to keep the connection.
    if (closing || !request.raw.complete) reply.raw.shouldKeepAlive = false
    reply.raw.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(text),
      'request-id': request.id,
      ...headers,
    })
    reply.raw.end(text)
    if (status >= 400 || logsAll) log(request, reply, status, code)
  }
  const sendError: Replies['sendError'] = (door, request, reply, { error, worded, headers }) => {
    metrics.errors.with(error.code).value += 1
    const problem = {
      status: error.status,
      type: 'application/problem+json',
      text: JSON.stringify(problemOf(error, request.id)),
    }
    const answer = worded === undefined ? problem : { ...worded, type: JSON_TYPE }
    send(door, request, reply, { ...answer, code: error.code, ...(headers && { headers }) })
  }
  return {
    send,
    sendError,
    closeConnections: () => {
      closing = true
    },
  }
}

const pathOf = (url: string): string => {
  const query = url.indexOf('?')
  return (query === -1 ? url : url.slice(0, query)).slice(0, 256)
}

type FastifyFault = { readonly code?: string; readonly statusCode?: number; readonly message: string }

/** An error of ours, of fastify or of nobody, as one of the table. */
export function errorOf(error: unknown, request: FastifyRequest): MillwrightError {
  if (error instanceof MillwrightError) return error
  const { code, statusCode } = error as FastifyFault
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new MillwrightError('BODY_TOO_LARGE', { limitBytes: request.routeOptions.bodyLimit ?? 0 })
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new MillwrightError('UNSUPPORTED_MEDIA_TYPE', {
      expected: 'content-type application/json',
      got: (request.headers['content-type'] ?? 'none').slice(0, 64),
    })
  if (statusCode === 400)
    return new MillwrightError('INVALID_JSON', { detail: 'the body ended before its announced length' })
  return new MillwrightError('INTERNAL', { requestId: request.id }, { cause: error })
}

export const isUnexpected = (error: MillwrightError): boolean =>
  error.code === ('INTERNAL' satisfies ErrorCode)
