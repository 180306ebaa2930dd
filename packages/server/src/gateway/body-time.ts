import type { IncomingMessage } from 'node:http'

/** Longest the body of a prediction may take to arrive. */
const BODY_TIMEOUT_MS = 30_000
const SWEEP_MS = 1_000
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

export type BodyTracker = {
  readonly begin: (request: IncomingMessage) => void
  readonly end: (request: IncomingMessage) => void
  readonly stop: () => void
}

/**
 * Ends connections whose body comes too slowly. One sweep a second over the requests that wait, oldest first, instead
 * of a timer for each; the server's own request time-out would end long uploads to control, too.
 */
export function trackBodies(timeoutMs = BODY_TIMEOUT_MS, sweepMs = SWEEP_MS): BodyTracker {
  const waiting = new Map<IncomingMessage, number>()
  const sweep = (): void => {
    const oldest = performance.now() - timeoutMs
    for (const [request, since] of waiting) {
      if (since > oldest) return
      waiting.delete(request)
      request.socket.end(TIMED_OUT, () => request.socket.destroy())
    }
  }
  const timer = setInterval(sweep, sweepMs).unref()
  return {
    begin: (request) => void waiting.set(request, performance.now()),
    end: (request) => void waiting.delete(request),
    stop: () => clearInterval(timer),
  }
}
