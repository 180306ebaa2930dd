import type { IncomingMessage } from 'node:http'
import { MillwrightError } from '@millwright/contracts/errors'
import type { BodyDone } from './exchange.ts'

const SWEEP_MS = 1_000
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

export type BodyReader = {
  /**
   * Collects a body of at most `limitBytes` and hands it over, or the error it ends with. When the client goes away,
   * or is too slow, `onGone` is told within a second or so.
   */
  readonly read: (exchange: Arrived, limitBytes: number, done: BodyDone) => void
  readonly stop: () => void
}
type Arrived = { readonly request: IncomingMessage; readonly startedAt: number }
type Options = {
  readonly onGone: () => void
  /** Longest the body of a prediction may take to arrive. */
  readonly timeoutMs: number
  /** A body in more pieces than this is made to cost memory: each piece is an object of its own. */
  readonly most: number
  readonly sweepMs?: number
}

const NO_BODY = Buffer.alloc(0)

/**
 * Bodies that come too slowly end their connection: one sweep a second over the requests that wait,
 * instead of a timer for each. (The server's own request time-out would end long uploads to control, too.)
 */
export function createBodyReader({ onGone, timeoutMs, most, sweepMs = SWEEP_MS }: Options): BodyReader {
  const waiting = new Map<IncomingMessage, number>()
  const sweep = (): void => {
    const oldest = performance.now() - timeoutMs
    for (const [request, since] of waiting) {
      if (since > oldest && !request.destroyed) continue
      waiting.delete(request)
      if (!request.destroyed) request.socket.end(TIMED_OUT, () => request.socket.destroy())
      onGone()
    }
  }
  const timer = setInterval(sweep, sweepMs).unref()
  return {
    read({ request, startedAt }, limitBytes, done) {
      const fail = (error: MillwrightError): void => {
        waiting.delete(request)
        request.removeAllListeners('data').removeAllListeners('end')
        done(error, NO_BODY)
      }
      const tooLarge = (): void => fail(new MillwrightError('BODY_TOO_LARGE', { limitBytes }))
      if (Number(request.headers['content-length']) > limitBytes) return tooLarge()
      waiting.set(request, startedAt)
      const chunks: Buffer[] = []
      let bytes = 0
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes > limitBytes) tooLarge()
        else if (chunks.length > most)
          fail(new MillwrightError('INVALID_JSON', { detail: `it came in more than ${most} pieces` }))
      })
      request.on('end', () => {
        waiting.delete(request)
        done(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes))
      })
    },
    stop: () => clearInterval(timer),
  }
}
