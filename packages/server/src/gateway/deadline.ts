import { MillwrightError } from '@millwright/contracts/errors'
import type { Exchange } from './exchange.ts'

/** Milliseconds that a caller waits for his answer; Envoy and Istio send the second. */
const HEADERS = ['x-request-timeout-ms', 'x-envoy-expected-rq-timeout-ms']
const MILLISECONDS = /^\d{1,9}$/

/** The time a caller gave for the answer. */
export class Deadline {
  readonly #ms: number
  readonly #endsAt: number
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, startedAt: number) {
    this.#ms = ms
    this.#endsAt = startedAt + ms
  }

  /** undefined: he gave none. @throws MillwrightError VALIDATION_FAILED */
  static of(exchange: Exchange): Deadline | undefined {
    for (const name of HEADERS) {
      const text = exchange.header(name)
      if (text === undefined) continue
      if (MILLISECONDS.test(text)) return new Deadline(Number(text), exchange.startedAt)
      throw new MillwrightError(
        'VALIDATION_FAILED',
        { count: 1 },
        {
          fields: [
            { pointer: '', code: 'wrong_type', message: `${name}: expected milliseconds, up to nine digits` },
          ],
        },
      )
    }
    return undefined
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now())
  }

  /** @throws MillwrightError DEADLINE_EXCEEDED */
  assertLeft(): void {
    if (this.leftMs === 0) throw this.#exceeded()
  }

  /** Fires when no time is left. `clear` it. */
  signal(): AbortSignal {
    const controller = new AbortController()
    this.#timer = setTimeout(() => controller.abort(this.#exceeded()), this.leftMs)
    return controller.signal
  }

  clear(): void {
    clearTimeout(this.#timer)
  }

  #exceeded(): MillwrightError {
    return new MillwrightError('DEADLINE_EXCEEDED', { ms: this.#ms })
  }
}
