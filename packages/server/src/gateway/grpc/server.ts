import type { Duplex } from 'node:stream'
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js'
import type { IdSource } from '../../ids.ts'
import type { Counter } from '../../metrics/families.ts'
import type { Answer } from '../exchange.ts'
import { GrpcExchange } from './exchange.ts'
import type { GrpcRoute } from './route.ts'
import { GRPC_STATUS, STATUS } from './status.ts'

export type GrpcServerOptions = {
  readonly routes: readonly GrpcRoute[]
  readonly ids: IdSource
  readonly cancelled: Counter
  /** Longest message, also when it was compressed. */
  readonly maxMessageBytes: number
  /** Calls under way at once on one connection. */
  readonly maxStreams: number
}

export type GrpcServer = {
  /** Serves a connection from its first byte on. */
  readonly take: (connection: Duplex) => void
  /** Tells every connection there is to send no more calls, ends streams, answers calls that are under way. */
  readonly askToLeave: () => void
}

/** A connection that does not answer a ping is dead. An idle one is kept: its time-out costs every call a tenth. */
const PING_MS = 60_000
const PING_TIMEOUT_MS = 20_000
/** How often it is looked whether a watched answer is another one. */
const WATCH_MS = 500

const identity = (bytes: Buffer): Buffer => bytes

/** gRPC without message types: calls are bytes in and bytes out, answered by the rows of a route table. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_concurrent_streams': options.maxStreams,
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
    'grpc.enable_channelz': 0,
  })
  const open = new Set<() => void>()
  const context: Context = { ...options, open }
  for (const route of options.routes) {
    const { type, handle } = KINDS[route.streams ?? 'none'](route, context)
    server.register(route.path, handle as never, identity, identity, type)
  }
  const createInjector = () => server.createConnectionInjector(ServerCredentials.createInsecure())
  let injector = createInjector()
  return {
    take: (connection) => injector.injectConnection(connection),
    askToLeave() {
      injector.destroy()
      // One that was destroyed loses sight of the connections that it takes.
      injector = createInjector()
      for (const close of open) close()
    },
  }
}

type Context = GrpcServerOptions & {
  /** Ends the streams that are open. */
  readonly open: Set<() => void>
}
type Kind = (route: GrpcRoute, context: Context) => { readonly type: string; readonly handle: unknown }

const KINDS: Readonly<Record<'none' | 'both' | 'answers', Kind>> = {
  none: (route, context) => ({ type: 'unary', handle: unaryHandler(route, context) }),
  both: (route, context) => ({ type: 'bidi', handle: streamHandler(route, context) }),
  answers: (route, context) => ({ type: 'serverStream', handle: watchHandler(route, context) }),
}

type Call = {
  readonly metadata: Metadata
  readonly cancelled: boolean
  getPeer(): string
  getDeadline(): Date | number
  on(event: 'cancelled', listener: () => void): unknown
}

/** Watches a call, once somebody wants to know. */
const watchCaller = (call: Call) => (): AbortSignal => {
  const controller = new AbortController()
  call.on('cancelled', () => controller.abort())
  return controller.signal
}

const isLate = (call: Call): boolean => call.cancelled || Number(call.getDeadline()) <= Date.now()

function unaryHandler(route: GrpcRoute, { ids, cancelled }: Context) {
  return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    if (isLate(call)) {
      cancelled.value += 1
      callback({ code: STATUS.DEADLINE_EXCEEDED, details: 'the deadline passed before the call was read' })
      return
    }
    const respond = (answer: Answer): void => {
      const failure = failureOf(answer)
      if (failure === undefined) callback(null, bytesOf(answer), trailersOf(answer))
      else callback(failure)
    }
    const gone = watchCaller(call)
    const { request: body, metadata } = call
    const { path } = route
    const nextId = (): string => ids.next('req_')
    const peer = (): string => call.getPeer()
    route.answer(
      new GrpcExchange({ path, body, metadata, gone, isGone: () => call.cancelled, peer, nextId, respond }),
      {},
    )
  }
}

/** Answers message by message, in their order: the next is read when the answer before it is taken. */
function streamHandler(route: GrpcRoute, { ids, open }: Context) {
  return (call: ServerDuplexStream<Buffer, Buffer>): void => {
    let isBusy = false
    let isEnding = false
    const gone = watchCaller(call)
    const close = (): void => {
      isEnding = true
      if (!isBusy) call.end()
    }
    const next = (): void => {
      isBusy = false
      if (isEnding) call.end()
      else call.resume()
    }
    const { path } = route
    const { metadata } = call
    const nextId = (): string => ids.next('req_')
    const peer = (): string => call.getPeer()
    const respond = (answer: Answer): void => {
      const failure = failureOf(answer)
      if (failure !== undefined) call.emit('error', failure)
      else call.write(bytesOf(answer), next)
    }
    open.add(close)
    call.on('cancelled', () => open.delete(close))
    call.on('end', close)
    call.on('data', (body: Buffer) => {
      isBusy = true
      call.pause()
      route.answer(
        new GrpcExchange({ path, body, metadata, gone, isGone: () => call.cancelled, peer, nextId, respond }),
        {},
      )
    })
  }
}

/** Asks the route again and again, and sends its answer when it is another one. */
function watchHandler(route: GrpcRoute, { ids, open }: Context) {
  return (call: ServerWritableStream<Buffer, Buffer>): void => {
    let last: Buffer | undefined
    const { path } = route
    const { request: body, metadata } = call
    const gone = watchCaller(call)
    const respond = (answer: Answer): void => {
      const failure = failureOf(answer)
      const bytes = bytesOf(answer)
      if (failure !== undefined) call.emit('error', failure)
      else if (last === undefined || !last.equals(bytes)) call.write(bytes)
      last = bytes
    }
    const look = (): void =>
      route.answer(
        new GrpcExchange({
          path,
          body,
          metadata,
          gone,
          isGone: () => call.cancelled,
          peer: () => call.getPeer(),
          nextId: () => ids.next('req_'),
          respond,
        }),
        {},
      )
    const timer = setInterval(look, WATCH_MS)
    const close = (): void => {
      look()
      call.end()
    }
    open.add(close)
    call.on('cancelled', () => {
      clearInterval(timer)
      open.delete(close)
    })
    look()
  }
}

const bytesOf = ({ body }: Answer): Buffer => (Buffer.isBuffer(body) ? body : Buffer.from(body as Uint8Array))

/** Headers that say nothing to a caller of gRPC. */
const OF_HTTP = new Set(['vary'])

/** What an answer says besides, as Cache-Status does. */
function trailersOf({ headers }: Answer): Metadata | undefined {
  if (headers === undefined) return undefined
  const metadata = new Metadata()
  for (const name in headers) if (!OF_HTTP.has(name)) metadata.set(name, headers[name]!)
  return metadata
}

/** Longest message of a status: it travels as a header. */
const DETAILS = 1024

/** The status of an answer that is not OK. A half of a surrogate pair cannot be sent. */
function failureOf({ headers, body }: Answer): { code: number; details: string } | undefined {
  const status = headers?.[GRPC_STATUS]
  if (status === undefined) return undefined
  return { code: Number(status), details: String(body).slice(0, DETAILS).toWellFormed() }
}
