import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request and its answer to be. */
export type Exchange = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The caller's `Request-Id`, or one of ours. */
  readonly id: string
  /** As asked, with the query. */
  readonly url: string
  /** `performance.now()` when its headers were there. */
  readonly startedAt: number
}

const SHOWN_CHARACTERS = 128

/** For messages and the request log: without the query, which may hold anything. */
export function pathOf({ url }: Exchange): string {
  const query = url.indexOf('?')
  return (query === -1 ? url : url.slice(0, query)).slice(0, SHOWN_CHARACTERS)
}
