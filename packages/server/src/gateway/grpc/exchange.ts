import { MillwrightError } from '@millwright/contracts/errors'
import type { IdSource } from '../../ids.ts'
import { type Answer, type BodyDone, type Exchange, isRequestId } from '../exchange.ts'
import type { Span } from '../tracing/span.ts'
import type { Call } from './call.ts'

/** Of the call and how it travels, not of what is asked: messages come and go uncompressed here. */
const OF_THE_CALL = new Set(['content-encoding', 'accept-encoding', 'content-type', 'te'])
const NO_BODY = Buffer.alloc(0)

type Answering = Pick<Exchange, 'startedAt'> & {
  readonly ids: IdSource
  readonly respond: (answer: Answer) => void
}

/** One message of a gRPC call and its answer to be, as doors see requests. */
export class GrpcExchange implements Exchange {
  readonly method = 'POST'
  readonly url: string
  readonly id: string
  readonly startedAt: number
  /** A connection ends with its GOAWAY, not with an answer. */
  readonly respond: (answer: Answer) => void
  span: Span | undefined
  readonly #call: Call
  readonly #body: Buffer

  constructor(call: Call, body: Buffer, { ids, respond, startedAt }: Answering) {
    this.startedAt = startedAt
    this.#call = call
    this.#body = body
    this.respond = respond
    this.url = call.path
    const given = this.header('request-id')
    this.id = isRequestId(given) ? given : ids.next('req_')
  }

  header(name: string): string | undefined {
    const value = OF_THE_CALL.has(name) ? undefined : this.#call.headers[name]
    return typeof value === 'string' ? value : undefined
  }

  headers(): Iterable<readonly [string, string]> {
    const names = Object.keys(this.#call.headers).filter((name) => !name.startsWith(':'))
    return names.flatMap((name) => {
      const value = this.header(name)
      return value === undefined ? [] : [[name, value] as const]
    })
  }

  readBody(limitBytes: number, done: BodyDone): void {
    if (this.#body.length > limitBytes) done(new MillwrightError('BODY_TOO_LARGE', { limitBytes }), NO_BODY)
    else done(undefined, this.#body)
  }

  get address(): string | undefined {
    return this.#call.address
  }

  get isGone(): boolean {
    return this.#call.isGone
  }

  gone(): AbortSignal {
    return this.#call.gone()
  }
}
