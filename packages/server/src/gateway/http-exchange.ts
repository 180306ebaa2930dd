import type { IncomingMessage, ServerResponse } from 'node:http'
import type { IdSource } from '../ids.ts'
import type { BodyReader } from './body.ts'
import { type Answer, type BodyDone, type Exchange, isRequestId } from './exchange.ts'
import type { Span } from './tracing/span.ts'

/** An exchange that node:http read. */
export class HttpExchange implements Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly id: string
  readonly startedAt = performance.now()
  span: Span | undefined
  readonly #bodies: BodyReader

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    read: { bodies: BodyReader; ids: IdSource },
  ) {
    this.request = request
    this.response = response
    this.#bodies = read.bodies
    const given = request.headers['request-id']
    this.id = isRequestId(given) ? given : read.ids.next('req_')
  }

  get method(): string {
    return this.request.method ?? ''
  }

  get url(): string {
    return this.request.url ?? ''
  }

  get address(): string | undefined {
    return this.request.socket.remoteAddress
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  *headers(): Iterable<readonly [string, string]> {
    for (const name in this.request.headers) yield [name, this.header(name) ?? '']
  }

  readBody(limitBytes: number, done: BodyDone): void {
    this.#bodies.read(this, limitBytes, done)
  }

  get isGone(): boolean {
    return this.response.destroyed
  }

  gone(): AbortSignal {
    const controller = new AbortController()
    this.response.once('close', () => {
      if (!this.response.writableFinished) controller.abort()
    })
    return controller.signal
  }

  respond({ status, type, body, headers }: Answer, closes: boolean): void {
    const { request, response } = this
    // What is left of a body would be read to its end only to keep the connection.
    if (closes || (!request.complete && hasBody(request))) response.shouldKeepAlive = false
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'request-id': this.id,
      ...headers,
    })
    response.end(body)
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
