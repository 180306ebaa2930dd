import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { MillwrightError } from '@millwright/contracts/errors'
import { STATUS_CODES } from '../http.ts'
import type { IdSource } from '../ids.ts'
import type { Answer, BodyDone, Exchange } from './exchange.ts'
import { isHttp2 } from './grpc/door.ts'
import { parseHead, type RequestHead } from './request-head.ts'
import type { Span } from './tracing/span.ts'

/** What is to be done for a head; undefined: nothing the fast path could do. */
type Plan = { readonly head: RequestHead; readonly answer: (exchange: Exchange) => void }

export type FastPathOptions = {
  /** Of HTTP, or of HTTPS: then the first look is at what was decrypted. */
  readonly server: Server | TlsServer
  readonly ids: IdSource
  /** Who answers a POST with that head. Throws, or none: node:http knows what to make of it. */
  readonly answererOf: (head: RequestHead) => Plan['answer'] | undefined
  /** Serves a connection that starts as HTTP/2 does, with what came of it. */
  readonly takeHttp2: (socket: Socket, head: Buffer) => void
  /** Longest silence of a connection before its first request, and after an answer. */
  readonly firstMs: number
  readonly keepAliveMs: number
  /** A head with more fields is node:http's, to be refused. */
  readonly mostHeaders: number
}

export type FastPath = {
  /** Ends connections that have waited for a request for a while: one may be on its way on the others. */
  readonly closeIdle: () => void
  readonly closeAll: () => void
}

/** Longest head looked at; a longer one is node:http's. */
const HEAD_BYTES = 2048
const HEAD_END = '\r\n\r\n'
/** Callers send the same head again and again. */
const KNOWN_HEADS = 256
const SWEEP_MS = 1_000
/** A request that was sent before its connection was closed has come within this time. */
const UNDER_WAY_MS = 200

/**
 * Takes the first look at what a connection of `server` sends. A plain POST to a known address that came whole, in one
 * piece, is answered from here at half of node:http's cost. HTTP/2 is gRPC's. With anything else, be it incomplete, pipelined or unusual,
 * the connection becomes node:http's for good: nothing is ever waited for, put together or guessed here.
 */
export function createFastPath(options: FastPathOptions): FastPath {
  const { server, keepAliveMs } = options
  const opened = isTls(server) ? 'secureConnection' : 'connection'
  const [accept] = server.listeners(opened) as [(this: Server | TlsServer, socket: Socket) => void]
  const connections = new Set<Connection>()
  const plans = new Map<string, Plan | null>()
  const path: Path = {
    ...options,
    connections,
    keepAlive: createKeepAlive(keepAliveMs),
    planOf(head) {
      const known = plans.get(head)
      if (known !== undefined) return known
      if (plans.size >= KNOWN_HEADS) plans.clear()
      const plan = makePlan(head, options)
      plans.set(head, plan)
      return plan
    },
    handOver: (socket) => accept.call(server, socket),
  }
  server.removeListener(opened, accept)
  server.on(opened, (socket: Socket) => {
    connections.add(new Connection(socket, path))
  })
  const timer = setInterval(() => {
    const now = performance.now()
    for (const connection of connections) if (now > connection.idleUntil) connection.close()
  }, SWEEP_MS).unref()
  server.on('close', () => clearInterval(timer))
  return {
    closeIdle() {
      const since = performance.now() - UNDER_WAY_MS
      for (const connection of connections) if (connection.waitsSince < since) connection.close()
    },
    closeAll: () => connections.forEach((connection) => void connection.close()),
  }
}

const isTls = (server: Server | TlsServer): boolean => 'setSecureContext' in server

type Path = Pick<FastPathOptions, 'ids' | 'firstMs' | 'keepAliveMs' | 'takeHttp2'> & {
  readonly connections: Set<Connection>
  readonly keepAlive: () => string
  readonly planOf: (head: string) => Plan | null
  readonly handOver: (socket: Socket) => void
}

function makePlan(text: string, { answererOf, mostHeaders }: FastPathOptions): Plan | null {
  const head = parseHead(text)
  if (head === undefined || head.fields.size > mostHeaders) return null
  try {
    const answer = answererOf(head)
    return answer === undefined ? null : { head, answer }
  } catch {
    return null
  }
}

/** End of a head that keeps the connection, made once a second. */
function createKeepAlive(keepAliveMs: number): () => string {
  let second = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now < second || now >= second + 1000) {
      second = now - (now % 1000)
      text = `Date: ${new Date(now).toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${keepAliveMs / 1000}${HEAD_END}`
    }
    return text
  }
}

/** A connection that has sent nothing but plain requests so far. */
class Connection {
  isBusy = false
  /** `performance.now()` since when it waits for a request, and when that ends. */
  waitsSince: number
  idleUntil: number
  readonly #socket: Socket
  readonly #path: Path
  #ended = false
  #gone: AbortController | undefined

  constructor(socket: Socket, path: Path) {
    this.#socket = socket
    this.#path = path
    this.waitsSince = performance.now()
    this.idleUntil = this.waitsSince + path.firstMs
    socket
      .on('data', this.#onData)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#forget)
  }

  close(): void {
    this.#socket.destroy()
  }

  get isGone(): boolean {
    return this.#socket.destroyed
  }

  get address(): string | undefined {
    return this.#socket.remoteAddress
  }

  /** Fires when the caller goes away while a request of it is answered. */
  gone(): AbortSignal {
    this.#gone = new AbortController()
    return this.#gone.signal
  }

  /** Sends an answer; the next request is read when the caller took it. */
  send(bytes: string | Buffer, encoding: BufferEncoding | undefined, closes: boolean): void {
    const { keepAliveMs } = this.#path
    this.isBusy = false
    this.#gone = undefined
    this.waitsSince = performance.now()
    this.idleUntil = this.waitsSince + keepAliveMs
    const socket = this.#socket
    const isTaken = socket.write(bytes, encoding)
    if (closes || this.#ended) {
      this.#ended = true
      // What came after is read and left: unread, it would make the end a reset.
      socket.end().resume()
    } else if (!isTaken) socket.pause().once('drain', () => socket.resume())
    else if (socket.isPaused()) socket.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#ended) return
    if (this.isBusy) {
      // Read again when the answer before it is sent.
      this.#socket.pause().unshift(chunk)
      return
    }
    const start = chunk.toString('latin1', 0, Math.min(chunk.length, HEAD_BYTES))
    const end = start.indexOf(HEAD_END)
    const plan = end === -1 ? null : this.#path.planOf(start.slice(0, end))
    const bodyStart = end + HEAD_END.length
    if (plan === null || plan.head.bodyBytes !== chunk.length - bodyStart) {
      this.#handOver(chunk)
      return
    }
    this.isBusy = true
    this.waitsSince = Number.POSITIVE_INFINITY
    this.idleUntil = Number.POSITIVE_INFINITY
    plan.answer(new FastExchange(this, this.#path, { head: plan.head, body: chunk.subarray(bodyStart) }))
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    // Who waits to be told of it is not answered any more.
    if (this.#gone !== undefined) this.#socket.destroy()
    else if (!this.isBusy) this.#socket.end()
  }

  /** The connection is gone; 'close' follows. */
  readonly #onError = (): void => {}

  readonly #forget = (): void => {
    this.#gone?.abort()
    this.#path.connections.delete(this)
  }

  #handOver(chunk: Buffer): void {
    const socket = this.#socket
    this.#forget()
    socket
      .off('data', this.#onData)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#forget)
    if (isHttp2(chunk) && socket.bytesRead === chunk.length) {
      this.#path.takeHttp2(socket, chunk)
      return
    }
    socket.pause()
    socket.unshift(chunk)
    this.#path.handOver(socket)
    socket.resume()
  }
}

type WholeRequest = { readonly head: RequestHead; readonly body: Buffer }

const NO_BODY = Buffer.alloc(0)

/** ASCII is written twice as fast. */
const encodingOf = (text: string, bytes: number): BufferEncoding =>
  bytes === text.length ? 'latin1' : 'utf8'

/** An exchange of the fast path. */
class FastExchange implements Exchange {
  readonly method = 'POST'
  readonly url: string
  readonly id: string
  readonly startedAt = performance.now()
  span: Span | undefined
  readonly #connection: Connection
  readonly #path: Path
  readonly #body: Buffer
  readonly #head: RequestHead

  constructor(connection: Connection, path: Path, { head, body }: WholeRequest) {
    this.#connection = connection
    this.#path = path
    this.#body = body
    this.url = head.url
    this.#head = head
    this.id = head.requestId ?? path.ids.next('req_')
  }

  readBody(limitBytes: number, done: BodyDone): void {
    const body = this.#body
    if (body.length > limitBytes) done(new MillwrightError('BODY_TOO_LARGE', { limitBytes }), NO_BODY)
    else done(undefined, body)
  }

  header(name: string): string | undefined {
    return this.#head.fields.get(name)
  }

  headers(): Iterable<readonly [string, string]> {
    return this.#head.fields
  }

  get address(): string | undefined {
    return this.#connection.address
  }

  get isGone(): boolean {
    return this.#connection.isGone
  }

  gone(): AbortSignal {
    return this.#connection.gone()
  }

  respond({ status, type, body, headers }: Answer, closes: boolean): void {
    const bytes = Buffer.byteLength(body)
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${type}\r\ncontent-length: ${bytes}\r\nrequest-id: ${this.id}\r\n`
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`
    head += closes ? `Connection: close${HEAD_END}` : this.#path.keepAlive()
    if (typeof body === 'string') this.#connection.send(head + body, encodingOf(body, bytes), closes)
    else this.#connection.send(Buffer.concat([Buffer.from(head, 'latin1'), body]), undefined, closes)
  }
}
