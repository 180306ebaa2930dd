import type { MillwrightError } from '@millwright/contracts/errors'
import type { Span } from './tracing/span.ts'

/** An answer that is ready to be sent. */
export type Answer = {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
  /** Besides `content-type`, `content-length` and `request-id`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export type BodyDone = (error: MillwrightError | undefined, body: Buffer) => void

/** A request and its answer to be, however it was read. */
export interface Exchange {
  readonly method: string
  /** As asked, with the query. */
  readonly url: string
  /** The caller's `Request-Id`, or one of ours. */
  readonly id: string
  /** `performance.now()` when its headers were there. */
  readonly startedAt: number
  /** The caller's address; undefined when the connection is gone, or there was none. */
  readonly address: string | undefined
  /** It was accepted earlier, and counted then. */
  readonly isJob?: true
  /** A header of the request, by its name in small letters. */
  header(name: string): string | undefined
  /** All of them, names in small letters. */
  headers(): Iterable<readonly [name: string, value: string]>
  /** Hands over a body of at most `limitBytes`, or the error it ends with; nothing when the caller goes away. */
  readBody(limitBytes: number, done: BodyDone): void
  /** Of the trace it is a part of, where that is recorded. */
  span?: Span | undefined
  /** The caller went away. */
  readonly isGone: boolean
  /** Fires when the caller goes away before the answer. */
  gone(): AbortSignal
  /** @param closes the connection ends with this answer */
  respond(answer: Answer, closes: boolean): void
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

export const isRequestId = (given: unknown): given is string =>
  typeof given === 'string' && REQUEST_ID.test(given)

const SHOWN_CHARACTERS = 128

/** For messages and the request log: without the query, which may hold anything. */
export function pathOf({ url }: Exchange): string {
  const query = url.indexOf('?')
  return (query === -1 ? url : url.slice(0, query)).slice(0, SHOWN_CHARACTERS)
}
