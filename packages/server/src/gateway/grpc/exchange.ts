import type { Metadata } from '@grpc/grpc-js'
import { MillwrightError } from '@millwright/contracts/errors'
import { type Answer, type BodyDone, type Exchange, isRequestId } from '../exchange.ts'
import type { Span } from '../tracing/span.ts'

/** The half of an exchange that came: a message and its metadata. */
export type Asked = {
  readonly path: string
  readonly body: Buffer
  readonly metadata: Metadata
  /** Fires when the caller goes away, or its deadline passes. */
  readonly gone: () => AbortSignal
  readonly isGone: () => boolean
  /** Address and port of the caller. */
  readonly peer: () => string
  /** Of a request without one. */
  readonly nextId: () => string
  readonly respond: (answer: Answer) => void
}

const NO_BODY = Buffer.alloc(0)

/** One message of a gRPC call and its answer to be, as doors see requests. */
export class GrpcExchange implements Exchange {
  readonly method = 'POST'
  readonly url: string
  readonly id: string
  readonly startedAt = performance.now()
  span: Span | undefined
  readonly #asked: Asked

  constructor(asked: Asked) {
    this.#asked = asked
    this.url = asked.path
    const given = this.header('request-id')
    this.id = isRequestId(given) ? given : asked.nextId()
  }

  /** Metadata; the coding of a message is undone before it comes here. */
  header(name: string): string | undefined {
    if (name === 'content-encoding') return undefined
    const [value] = this.#asked.metadata.get(name)
    return typeof value === 'string' ? value : undefined
  }

  headers(): Iterable<readonly [string, string]> {
    return Object.entries(this.#asked.metadata.getMap()).map(
      ([name, value]) => [name, String(value)] as const,
    )
  }

  readBody(limitBytes: number, done: BodyDone): void {
    const { body } = this.#asked
    if (body.length > limitBytes) done(new MillwrightError('BODY_TOO_LARGE', { limitBytes }), NO_BODY)
    else done(undefined, body)
  }

  get address(): string {
    return this.#asked.peer().replace(/:\d+$/, '')
  }

  get isGone(): boolean {
    return this.#asked.isGone()
  }

  gone(): AbortSignal {
    return this.#asked.gone()
  }

  /** A connection ends with its GOAWAY, not with an answer. */
  respond(answer: Answer): void {
    this.#asked.respond(answer)
  }
}
