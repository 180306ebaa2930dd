import type { Answer, BodyDone, Exchange } from '../exchange.ts'
import type { Span } from '../tracing/span.ts'
import type { Job } from './job.ts'

/** The exchange of a job: nobody waits for it, and its answer is kept. */
export class JobExchange implements Exchange {
  readonly method = 'POST'
  readonly url: string
  readonly id: string
  readonly startedAt = performance.now()
  span: Span | undefined
  readonly address = undefined
  readonly isJob = true
  readonly isGone = false
  readonly answer: Promise<Answer>
  readonly #headers: Job['headers']
  readonly #body: Buffer
  readonly #resolve: (answer: Answer) => void

  constructor({ id, url, headers }: Job, body: Buffer) {
    this.id = id
    this.url = url
    this.#headers = headers
    this.#body = body
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.answer = promise
    this.#resolve = resolve
  }

  header(name: string): string | undefined {
    return this.#headers[name]
  }

  headers(): Iterable<readonly [string, string]> {
    return Object.entries(this.#headers)
  }

  readBody(_limitBytes: number, done: BodyDone): void {
    done(undefined, this.#body)
  }

  gone(): AbortSignal {
    return new AbortController().signal
  }

  respond(answer: Answer): void {
    this.#resolve(answer)
  }
}
