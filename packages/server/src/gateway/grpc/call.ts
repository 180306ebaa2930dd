import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { MillwrightError } from '@millwright/contracts/errors'
import { uncompress } from '../encodings.ts'
import { framed, MessageReader, unreadable } from './messages.ts'
import { OK_TRAILERS, type Trailers, trailersOf, wordStatus } from './status.ts'
import { parseTimeout } from './timeout.ts'

/** What a call does with its messages. */
export type Intake = {
  /** Gets the next message when it says that it is done with this one. */
  readonly take: (message: Buffer, done: () => void) => void
  /** The caller sends no more. */
  readonly end: () => void
}

/** Codings of messages, besides none. */
const ENCODINGS = ['gzip', 'deflate']
const ACCEPTED = ['identity', ...ENCODINGS].join(',')
/** Of every answer; not shared, as node:http2 adds the date to it. */
const head = (): string[] => [':status', '200', 'content-type', 'application/grpc+proto']
const WITH_TRAILERS = { waitForTrailers: true }

/** How long who has his answer may go on sending. */
const LINGER_MS = 1_000

export const unsupported = (what: string, instead: string): MillwrightError =>
  new MillwrightError('NOT_SUPPORTED', { what, instead })

/** One call, from its headers to its status: messages in, messages out. */
export class Call {
  readonly headers: IncomingHttpHeaders
  readonly path: string
  /** `performance.now()` when its headers were there. */
  readonly startedAt = performance.now()
  /** The caller went away, or has no time left. */
  isGone = false
  readonly #stream: ServerHttp2Stream
  #gone: AbortController | undefined
  #deadline: { readonly ms: number; readonly endsAt: number; readonly timer: NodeJS.Timeout } | undefined
  #trailers: Trailers = OK_TRAILERS
  #isOver = false
  #told: (() => void) | undefined

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream
    this.headers = headers
    this.path = headers[':path'] ?? ''
    // 'aborted' says enough.
    stream.on('error', () => {})
    stream.on('aborted', () => this.#leave())
    stream.on('wantTrailers', () => {
      stream.sendTrailers(this.#trailers)
      this.#linger()
    })
  }

  get address(): string | undefined {
    return this.#stream.session?.socket.remoteAddress
  }

  gone(): AbortSignal {
    this.#gone ??= new AbortController()
    if (this.isGone) this.#gone.abort()
    return this.#gone.signal
  }

  /** Takes the time that the caller gives. */
  limitTime(): void {
    const given = this.headers['grpc-timeout']
    if (given === undefined) return
    const ms = this.#attempt(() => parseTimeout(String(given)))
    if (ms === undefined) return
    const timer = setTimeout(() => this.#exceed(), ms)
    this.#deadline = { ms, endsAt: performance.now() + ms, timer }
  }

  /** Ends a call that has no time left; its timer may be late itself. */
  isLate(): boolean {
    if (this.#deadline !== undefined && this.#deadline.endsAt <= performance.now()) this.#exceed()
    return this.isGone
  }

  /** Hands over messages one at a time, so that no more of them is read than is worked on. */
  receive({ take, end }: Intake, limitBytes: number): void {
    const stream = this.#stream
    const reader = new MessageReader(limitBytes)
    let isBusy = false
    let hasEnded = false
    const hand = (error: MillwrightError | undefined, message: Buffer): void => {
      if (this.#isOver) return
      if (error === undefined) take(message, done)
      else this.fail(error)
    }
    const done = (): void => {
      isBusy = false
      advance()
    }
    const advance = (): void => {
      if (isBusy || this.#isOver) return
      const message = this.#attempt(() => reader.next())
      if (message !== undefined) {
        isBusy = true
        if (message.isCompressed) this.#attempt(() => this.#uncompress(message.bytes, limitBytes, hand))
        else hand(undefined, message.bytes)
      } else if (this.#isOver) return
      else if (!hasEnded) {
        if (stream.isPaused()) stream.resume()
      } else if (reader.isAtEnd) end()
      else this.fail(unreadable('the call ends inside it'))
    }
    stream.on('data', (piece: Buffer) => {
      if (this.#isOver) return
      reader.add(piece)
      advance()
      if (isBusy && !this.#isOver) stream.pause()
    })
    stream.on('end', () => {
      hasEnded = true
      advance()
    })
  }

  /** @param sent it went out, and there is room for another */
  send(message: Uint8Array, sent?: () => void): void {
    if (this.#isOver) return
    if (!this.#stream.headersSent) this.#stream.respond(head(), WITH_TRAILERS)
    this.#stream.write(framed(message), sent)
  }

  /** The only message, or the last, and OK. */
  answer(message: Uint8Array, trailers: Trailers): void {
    if (this.#isOver) return
    this.#finish(trailers)
    if (!this.#stream.headersSent) this.#stream.respond(head(), WITH_TRAILERS)
    this.#stream.end(framed(message))
  }

  /** Ends without another message. */
  end(trailers: Trailers): void {
    if (this.#isOver) return
    this.#finish(trailers)
    if (this.#stream.headersSent) this.#stream.end()
    else {
      const fields = ['grpc-accept-encoding', ACCEPTED, ...Object.entries(trailers).flat()]
      this.#stream.respond([...head(), ...fields], { endStream: true })
      this.#linger()
    }
    // What still comes is dropped.
    this.#stream.resume()
  }

  /** Ends what is no call of gRPC. */
  refuse(headers: readonly string[]): void {
    this.#finish(OK_TRAILERS)
    this.#stream.respond([...headers], { endStream: true })
    this.#stream.resume()
    this.#linger()
  }

  fail(error: MillwrightError): void {
    this.end(trailersOf(wordStatus(error)) ?? OK_TRAILERS)
  }

  /** Resets a stream on which more comes though its answer is out; at once, the reset would overtake the answer. */
  #linger(): void {
    if (!this.#stream.readableEnded) setTimeout(() => this.#stream.close(), LINGER_MS).unref()
  }

  /** Told once, when the call has its status or nobody to tell it. */
  onOver(told: () => void): void {
    if (this.#isOver) told()
    else this.#told = told
  }

  #finish(trailers: Trailers): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#trailers = trailers
    if (this.#deadline !== undefined) clearTimeout(this.#deadline.timer)
    this.#told?.()
  }

  #exceed(): void {
    this.fail(new MillwrightError('DEADLINE_EXCEEDED', { ms: this.#deadline!.ms }))
    this.#leave()
  }

  #leave(): void {
    this.#finish(OK_TRAILERS)
    this.isGone = true
    this.#gone?.abort()
    this.#stream.resume()
  }

  /** What a step gives; undefined: the call ended with what it threw. */
  #attempt<T>(step: () => T): T | undefined {
    try {
      return step()
    } catch (fault) {
      if (!(fault instanceof MillwrightError)) throw fault
      this.fail(fault)
      return undefined
    }
  }

  #uncompress(
    bytes: Buffer,
    limitBytes: number,
    done: (error: MillwrightError | undefined, message: Buffer) => void,
  ): void {
    const encoding = String(this.headers['grpc-encoding'] ?? 'identity')
    if (encoding === 'identity') throw unreadable('it is said to be compressed, and not how')
    if (!ENCODINGS.includes(encoding))
      throw unsupported(`grpc-encoding ${encoding.slice(0, 64)}`, `send one of ${ACCEPTED}`)
    uncompress(encoding, bytes, { inflatedBytes: limitBytes, inflation: Number.POSITIVE_INFINITY }, done)
  }
}
