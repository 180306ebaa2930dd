import type { MillwrightError } from '@millwright/contracts/errors'
import type { GatewayLimits } from '../config.ts'
import type { Admission } from './admission.ts'
import type { Dataplane } from './dataplane.ts'
import type { Exchange } from './exchange.ts'
import type { Jobs } from './jobs/runner.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { Rates } from './rates.ts'
import type { Door, Replies, Reply, Worded } from './replies.ts'
import type { GatewayRoute } from './route.ts'
import type { Params } from './router.ts'
import type { Served } from './served.ts'
import { findServed, type ServingTable } from './serving-table.ts'
import { type PredictDoor, Visit } from './visit.ts'

/** What every door may reach. */
export type DoorDeps = {
  readonly table: () => ServingTable
  readonly plane: Dataplane
  readonly metrics: GatewayMetrics
  readonly replies: Replies
  readonly maxBodyBytes: number
  readonly maxRows: number
  readonly limits: GatewayLimits
  /** Longest a request waits for those before it, in milliseconds. */
  readonly maxWaitMs: number
  readonly admission: Admission
  readonly rates: Rates
  readonly jobs: Jobs
}

/** A dialect's manners. `R`: a body as far as it is read before a version is chosen. */
export type DoorManner<R = undefined> = {
  readonly door: Door
  /**
   * An error as the dialect words it; undefined, or nothing to word it with: a problem document.
   * @param read what was read of the request before it came to the door
   */
  readonly word?: (error: MillwrightError, served: Served | undefined, read?: R) => Worded | undefined
  /** The deployment and version meant, where the path alone does not say it. */
  readonly target?: (exchange: Exchange, params: Params) => Params
  /** Refuses a request by its head. */
  readonly assertHead?: (exchange: Exchange) => void
  /** Reads a body as far as no version is needed for it. */
  readonly read?: (body: Buffer, served: Served, exchange: Exchange) => R
  /** Whom a request is about, as its body says; by default only headers are looked at. */
  readonly unitOf?: (read: R, column: string | undefined) => string | undefined
}

/** A request for a prediction as a door sees it. */
export type DoorRequest = {
  readonly exchange: Exchange
  readonly params: Params
  /** As sent, or what it was before it was compressed. */
  readonly body: Buffer
  /** `performance.now()` when the body was there. */
  readonly startedAt: number
  /** Fires when the caller goes away or has no time left; undefined where the answer is there before that. */
  readonly signal: AbortSignal | undefined
}

export type Answerer<R = unknown> = (served: Served, request: DoorRequest, read: R) => Reply | Promise<Reply>

/**
 * The way of a prediction. The deployment is the one named in the path, or the default one; the version is the one named
 * in the path, or the one that a rollout under way chooses. A dialect that reads the body to know what is meant hands over
 * what it read.
 */
export function createPredictDoor<R = undefined>(
  deps: DoorDeps,
  manner: DoorManner<R>,
  answer: Answerer<R>,
): (exchange: Exchange, params: Params, read?: R) => void {
  // What `read` gives is handed on as it is.
  const door = { ...deps, ...manner, answer } as unknown as PredictDoor
  return (exchange, params, read) => {
    deps.metrics.state.inFlight += 1
    const visit = new Visit(door, exchange, params, read)
    exchange.readBody(deps.maxBodyBytes, (error, body) => visit.open(error, body))
  }
}

/** A question without a body. */
export function createReadDoor(
  { table, replies }: DoorDeps,
  { door, word }: DoorManner,
  answer: (exchange: Exchange, params: Params) => Reply | Promise<Reply>,
): GatewayRoute['answer'] {
  return (exchange, params) => {
    const send = (reply: Reply): void => replies.send(door, exchange, reply)
    const fail = (fault: unknown): void =>
      replies.sendError(door, exchange, fault, {
        word: word && ((error) => word(error, findServed(table(), params))),
      })
    try {
      const reply = answer(exchange, params)
      if (reply instanceof Promise) reply.then(send, fail)
      else send(reply)
    } catch (fault) {
      fail(fault)
    }
  }
}

/** A question with a body that is no rows. */
export function createBodyDoor(
  deps: DoorDeps,
  manner: DoorManner,
  answer: (body: Buffer, params: Params, exchange: Exchange) => Reply | Promise<Reply>,
): GatewayRoute['answer'] {
  return (exchange, params) =>
    exchange.readBody(deps.maxBodyBytes, (error, body) => {
      const ask = (): Reply | Promise<Reply> => {
        if (error !== undefined) throw error
        return answer(body, params, exchange)
      }
      createReadDoor(deps, manner, ask)(exchange, params)
    })
}
