import type { MillwrightError } from '@millwright/contracts/errors'
import type { Dataplane } from './dataplane.ts'
import { readEncoding, uncompress } from './encodings.ts'
import type { Exchange } from './exchange.ts'
import { assertBodyBytes } from './limits.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { Door, Replies, Reply, Worded } from './replies.ts'
import type { GatewayRoute } from './route.ts'
import type { Params } from './router.ts'
import type { Served } from './served.ts'
import { type ServingTable, selectServed } from './serving-table.ts'

/** What every door may reach. */
export type DoorDeps = {
  readonly table: () => ServingTable
  readonly plane: Dataplane
  readonly metrics: GatewayMetrics
  readonly replies: Replies
  readonly maxBodyBytes: number
  readonly maxRows: number
}

/** A dialect's manners. */
export type DoorManner = {
  readonly door: Door
  /** An error as the dialect words it; undefined, or nothing to word it with: a problem document. */
  readonly word?: (error: MillwrightError, served: Served | undefined) => Worded | undefined
  /** Refuses a request by its head. */
  readonly assertHead?: (exchange: Exchange) => void
}

/** A request for a prediction as a door sees it. */
export type DoorRequest = {
  readonly exchange: Exchange
  readonly params: Params
  /** As sent, or what it was before it was compressed. */
  readonly body: Buffer
  /** `performance.now()` when the body was there. */
  readonly startedAt: number
  /** Fires when the caller goes away; undefined where the answer is there before anyone could. */
  readonly signal: AbortSignal | undefined
}

type Answerer<R> = (served: Served, request: DoorRequest) => R | Promise<R>

/** The way of a prediction: body, deployment, answer. The deployment is the one named in the path, or the default one. */
export function createPredictDoor(
  deps: DoorDeps,
  { door, word, assertHead }: DoorManner,
  answer: Answerer<Reply>,
): GatewayRoute['answer'] {
  const { table, replies, maxBodyBytes } = deps
  const { state, cancelled } = deps.metrics
  const fail = (exchange: Exchange, params: Params, fault: unknown): void => {
    state.inFlight -= 1
    replies.sendError(door, exchange, fault, {
      // A deployment that is not there has no words of its own.
      word: word && ((error) => word(error, findNamed(table(), params))),
    })
  }
  const succeed = (exchange: Exchange, reply: Reply): void => {
    state.inFlight -= 1
    replies.send(door, exchange, reply)
  }
  const leave = (): void => {
    state.inFlight -= 1
    cancelled.value += 1
  }
  const open = (exchange: Exchange, params: Params, body: Buffer): void => {
    const startedAt = performance.now()
    const served = selectServed(table(), params)
    assertHead?.(exchange)
    assertBodyBytes(body, served)
    const signal = served.engine.kind === 'hosted' ? exchange.gone() : undefined
    const reply = answer(served, { exchange, params, body, startedAt, signal })
    if (!(reply instanceof Promise)) succeed(exchange, reply)
    else
      reply.then(
        (later) => succeed(exchange, later),
        (error: unknown) => (signal?.aborted ? leave() : fail(exchange, params, error)),
      )
  }
  return (exchange, params) => {
    state.inFlight += 1
    const proceed = (error: MillwrightError | undefined, body: Buffer): void => {
      try {
        if (error !== undefined) throw error
        open(exchange, params, body)
      } catch (fault) {
        fail(exchange, params, fault)
      }
    }
    exchange.readBody(maxBodyBytes, (error, body) => {
      const encoding = readEncoding(exchange.header('content-encoding'))
      if (error !== undefined || encoding === undefined) proceed(error, body)
      else uncompress(encoding, body, maxBodyBytes, proceed)
    })
  }
}

/** A question without a body. */
export function createReadDoor(
  { table, replies }: DoorDeps,
  { door, word }: DoorManner,
  answer: (exchange: Exchange, params: Params) => Reply,
): GatewayRoute['answer'] {
  return (exchange, params) => {
    try {
      replies.send(door, exchange, answer(exchange, params))
    } catch (fault) {
      replies.sendError(door, exchange, fault, {
        word: word && ((error) => word(error, findNamed(table(), params))),
      })
    }
  }
}

const findNamed = ({ byName, default: fallback }: ServingTable, { name }: Params): Served | undefined =>
  name === undefined ? fallback : byName.get(name)
