import { request } from '../http.ts'
import type { DataLayout } from '../layout.ts'

/** Longest silence of a long poll, in milliseconds; control answers within 25 s. */
const POLL_TIMEOUT_MS = 30_000

type Question = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  readonly signal: AbortSignal
}

/** One request on control's internal channel. Returns the status; what is said beyond it lies in the snapshot. */
export function askControl(layout: DataLayout, { method, path, body, signal }: Question): Promise<number> {
  const payload = body === undefined ? undefined : JSON.stringify(body)
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: layout.internalSocket,
        method,
        path,
        headers,
        agent: false,
        signal,
        timeout: POLL_TIMEOUT_MS,
      },
      (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
        answer.on('error', reject)
      },
    )
    asked.on('timeout', () => asked.destroy(new Error(`control was silent for ${POLL_TIMEOUT_MS} ms`)))
    asked.on('error', reject)
    asked.end(payload)
  })
}
