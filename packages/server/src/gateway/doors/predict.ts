import type { Exchange } from '../exchange.ts'
import { assertBodyBytes, assertJsonType } from '../limits.ts'
import type { Door, Replies } from '../replies.ts'
import type { Served } from '../served.ts'
import type { GatewayDeps } from '../server.ts'
import { getDefaultServed, getServed } from '../serving-table.ts'
import { type NativeDeps, predictNative } from './native.ts'
import { plainError, predictPlain } from './plain.ts'

/** A request as a door sees it; `startedAt`: `performance.now()` when its body was there. */
export type DoorRequest = {
  readonly body: Buffer
  readonly requestId: string
  readonly startedAt: number
  /** Fires when the caller goes away; undefined where the answer is there before anyone could. */
  readonly signal: AbortSignal | undefined
}
type Answerer = (served: Served, request: DoorRequest) => string | Promise<string>
/** Answers a request for the deployment of that name, or the default one. */
type PredictDoor = (exchange: Exchange, name: string | undefined) => void

export function createNativeDoor(deps: GatewayDeps, replies: Replies): PredictDoor {
  const native: NativeDeps = { plane: deps.plane, maxRows: deps.maxRows }
  return createDoor(deps, { replies, door: 'native' }, (served, request) =>
    predictNative(native, served, request),
  )
}

export function createPlainDoor(deps: GatewayDeps, replies: Replies): PredictDoor {
  return createDoor(deps, { replies, door: 'plain' }, (served, request) =>
    predictPlain(deps.plane, served, request),
  )
}

function createDoor(
  { table, maxBodyBytes, metrics: { state, cancelled } }: GatewayDeps,
  { replies, door }: { replies: Replies; door: Door },
  answer: Answerer,
): PredictDoor {
  const fail = (exchange: Exchange, name: string | undefined, fault: unknown): void => {
    state.inFlight -= 1
    // A deployment that is not there has no words of its own.
    const served = name === undefined ? table().default : table().byName.get(name)
    const isWorded = door === 'plain' && served !== undefined
    replies.sendError(door, exchange, fault, isWorded ? { word: (error) => plainError(served, error) } : {})
  }
  const succeed = (exchange: Exchange, text: string): void => {
    state.inFlight -= 1
    replies.send(door, exchange, { status: 200, text })
  }
  const leave = (): void => {
    state.inFlight -= 1
    cancelled.value += 1
  }
  const open = (exchange: Exchange, name: string | undefined, body: Buffer): void => {
    const startedAt = performance.now()
    const served = name === undefined ? getDefaultServed(table()) : getServed(table(), name)
    assertJsonType(exchange.mediaType, exchange.contentEncoding)
    assertBodyBytes(body, served)
    const signal = served.engine.kind === 'hosted' ? exchange.gone() : undefined
    const text = answer(served, { body, requestId: exchange.id, startedAt, signal })
    if (typeof text === 'string') succeed(exchange, text)
    else
      text.then(
        (later) => succeed(exchange, later),
        (error: unknown) => (signal?.aborted ? leave() : fail(exchange, name, error)),
      )
  }
  return (exchange, name) => {
    state.inFlight += 1
    exchange.readBody(maxBodyBytes, (error, body) => {
      if (error !== undefined) return fail(exchange, name, error)
      try {
        open(exchange, name, body)
      } catch (fault) {
        fail(exchange, name, fault)
      }
    })
  }
}
