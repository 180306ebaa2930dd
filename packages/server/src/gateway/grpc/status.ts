import { type MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import type { Answer } from '../exchange.ts'
import type { Worded } from '../replies.ts'

/** gRPC's status codes, as far as they are answered here. */
const STATUS = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

/** The status of an error, by what it is over HTTP. */
export const STATUS_OF_HTTP: Readonly<Record<number, number>> = {
  400: STATUS.INVALID_ARGUMENT,
  401: STATUS.UNAUTHENTICATED,
  403: STATUS.PERMISSION_DENIED,
  404: STATUS.NOT_FOUND,
  405: STATUS.UNIMPLEMENTED,
  408: STATUS.DEADLINE_EXCEEDED,
  409: STATUS.FAILED_PRECONDITION,
  413: STATUS.RESOURCE_EXHAUSTED,
  415: STATUS.INVALID_ARGUMENT,
  422: STATUS.INVALID_ARGUMENT,
  429: STATUS.RESOURCE_EXHAUSTED,
  431: STATUS.RESOURCE_EXHAUSTED,
  500: STATUS.INTERNAL,
  501: STATUS.UNIMPLEMENTED,
  503: STATUS.UNAVAILABLE,
  504: STATUS.DEADLINE_EXCEEDED,
  507: STATUS.RESOURCE_EXHAUSTED,
}

/** Header of an answer that is not OK; its body is the message of the status. */
const GRPC_STATUS = 'grpc-status'

/** An error as a status and its message. */
export const wordStatus = (error: MillwrightError): Worded => ({
  status: error.status,
  headers: { [GRPC_STATUS]: String(STATUS_OF_HTTP[error.status] ?? STATUS.INTERNAL) },
  body: sentenceOf(error),
})

/** The status of a call, as it travels after its messages, and what is said besides. */
export type Trailers = Readonly<Record<string, string>>
export const OK_TRAILERS: Trailers = { [GRPC_STATUS]: String(STATUS.OK) }

/** Headers that say nothing to a caller of gRPC. */
const OF_HTTP = new Set(['vary'])

/** Of an answer that is OK: what it says besides, as Cache-Status does. */
export function okTrailersOf({ headers }: Pick<Answer, 'headers'>): Trailers {
  if (headers === undefined) return OK_TRAILERS
  const said = Object.entries(headers).filter(([name]) => !OF_HTTP.has(name))
  return { ...OK_TRAILERS, ...Object.fromEntries(said) }
}

/** Longest message of a status: it travels as a header. */
const LONGEST = 1024
/** What a message is not sent with as it is; half of a surrogate pair cannot be sent at all. */
const ENCODED = /[^ -$&-~]+/g

/** Of an answer that is not OK. */
export function trailersOf({ headers, body }: Pick<Answer, 'headers' | 'body'>): Trailers | undefined {
  const status = headers?.[GRPC_STATUS]
  if (status === undefined) return undefined
  const message = String(body).slice(0, LONGEST).toWellFormed()
  return { [GRPC_STATUS]: status, 'grpc-message': message.replace(ENCODED, encodeURIComponent) }
}
