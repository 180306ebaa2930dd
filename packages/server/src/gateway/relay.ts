import { connect, type Socket } from 'node:net'
import { MillwrightError } from '@millwright/contracts/errors'
import { createFrameReader, type Frame, writeFrame } from '../channel/frames.ts'
import { RELAYED, RELAYED_BYTES, RELAYED_HEADERS, type RelayedHead } from '../channel/relayed.ts'
import { wordMlflow } from './doors/invocations/words.ts'
import type { Exchange } from './exchange.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { Replies } from './replies.ts'
import type { GatewayRoute } from './route.ts'

/** Small requests to control, many at a time over one connection: a tenth of what a proxied one costs. */
export type Relay = {
  /** @throws MillwrightError CONTROL_UNAVAILABLE, OVERLOADED */
  readonly ask: (head: RelayedHead, body: Buffer) => Promise<Pick<Frame, 'code' | 'body'>>
  readonly close: () => void
}

/** Requests that may be under way; beyond them control is not keeping up. */
const MOST = 1024

/** What is read at once, into the same memory each time: lists of runs are larger than what is read by default. */
const READ_BYTES = 256 << 10

type Asked = { readonly resolve: (answer: Frame) => void; readonly reject: (error: Error) => void }

export function createRelay(socketPath: string): Relay {
  const asked = new Map<number, Asked>()
  const buffer = Buffer.alloc(READ_BYTES)
  let socket: Socket | undefined
  let last = 0

  const open = (): Socket => {
    const read = createFrameReader((frame) => {
      asked.get(frame.id)?.resolve(frame)
      asked.delete(frame.id)
    })
    const callback = (bytes: number): boolean => {
      read(buffer.subarray(0, bytes))
      return true
    }
    const opened = connect({ path: socketPath, onread: { buffer, callback } })
    opened.on('error', () => {})
    opened.on('close', () => {
      if (socket === opened) socket = undefined
      const waiting = [...asked.values()]
      asked.clear()
      for (const { reject } of waiting) reject(new MillwrightError('CONTROL_UNAVAILABLE', {}))
    })
    opened.unref()
    return opened
  }
  return {
    ask: (head, body) =>
      new Promise((resolve, reject) => {
        if (asked.size >= MOST) throw new MillwrightError('OVERLOADED', { waitMs: 0 })
        socket ??= open()
        last = (last + 1) >>> 0
        asked.set(last, { resolve, reject })
        socket.write(writeFrame({ id: last, code: 0, head: JSON.stringify(head), body }))
      }),
    close: () => socket?.destroy(),
  }
}

type RelayRouteDeps = { readonly relay: Relay; readonly replies: Replies; readonly metrics: GatewayMetrics }

/** As control answers itself. */
const GUARDED = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** What is relayed: it costs the gateway a look at the head, and is answered by control in MLflow's words. */
export const relayRoutes = (deps: RelayRouteDeps): GatewayRoute[] =>
  RELAYED.map(({ path, method, permission }) => ({
    ...{ path, methods: [method], door: 'proxy', permission, word: wordMlflow },
    ...{ answer: relayTo(deps), sharesPath: true },
  }))

const relayTo =
  ({ relay, replies, metrics }: RelayRouteDeps): GatewayRoute['answer'] =>
  (exchange) => {
    metrics.state.inFlight += 1
    const ended = (): void => {
      metrics.state.inFlight -= 1
    }
    const fail = (error: unknown): void => replies.sendError('proxy', exchange, error, { word: wordMlflow })
    exchange.readBody(RELAYED_BYTES, (error, body) => {
      const answered = error === undefined ? relay.ask(headOf(exchange), body) : Promise.reject(error)
      answered
        .then(({ code: status, body: answer }) =>
          replies.send('proxy', exchange, { status, body: answer, headers: GUARDED, isPlain: true }),
        )
        .catch(fail)
        .finally(ended)
    })
  }

function headOf(exchange: Exchange): RelayedHead {
  const headers: Record<string, string> = {}
  for (const name of RELAYED_HEADERS) {
    const value = exchange.header(name)
    if (value !== undefined) headers[name] = value
  }
  return { method: exchange.method, url: exchange.url, id: exchange.id, headers }
}
