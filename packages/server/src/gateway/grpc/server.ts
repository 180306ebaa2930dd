import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { IdSource } from '../../ids.ts'
import type { Counter } from '../../metrics/families.ts'
import { Call, unsupported } from './call.ts'
import { type Context, KINDS } from './kinds.ts'
import type { GrpcRoute } from './route.ts'
import { createTurn } from './turn.ts'

export type GrpcServerOptions = {
  readonly routes: readonly GrpcRoute[]
  readonly ids: IdSource
  readonly cancelled: Counter
  /** Longest message, also when it was compressed. */
  readonly maxMessageBytes: number
  /** Calls under way at once on one connection. */
  readonly maxStreams: number
  /** Names and values of a call's headers together, in bytes … */
  readonly maxHeaderBytes: number
  /** … and how many there are. */
  readonly maxHeaders: number
}

export type GrpcServer = {
  /** Serves a connection from its first byte on. */
  readonly take: (connection: Socket) => void
  /** Tells every connection there is to send no more calls, ends streams, answers calls that are under way. */
  readonly askToLeave: () => void
}

/** A connection that does not answer a ping is dead. An idle one is kept. */
const PING_MS = 60_000
const PING_TIMEOUT_MS = 20_000
/** Answers of one connection that wait until they are read, in MB: beyond it, calls are refused. */
const MAX_WAITING_MB = 256
/** With a subtype and parameters; gRPC-Web is something else. */
const isGrpc = (type = ''): boolean => type === 'application/grpc' || /^application\/grpc[+;]/.test(type)

/** gRPC over HTTP/2 without message types: calls are bytes in and bytes out, answered by the rows of a route table. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { maxStreams, maxHeaderBytes, maxHeaders } = options
  const routes = new Map(options.routes.map((route) => [route.path, route]))
  const sessions = new Set<ServerHttp2Session>()
  const context: Context = { ...options, open: new Set(), inTurn: createTurn() }
  const handshake = {
    settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes, enablePush: false },
    maxHeaderListPairs: maxHeaders,
    maxSessionMemory: MAX_WAITING_MB,
  }
  return {
    take(connection) {
      const session = performServerHandshake(connection, handshake)
      sessions.add(session)
      // 'close' follows, and says enough.
      session.on('error', () => {})
      session.on('close', () => sessions.delete(session))
      session.on('stream', (stream, headers) => answerCall(stream, headers, { routes, context }))
      keepAlive(session, connection)
    },
    askToLeave() {
      for (const session of sessions) session.close()
      for (const end of context.open) end()
    },
  }
}

function keepAlive(session: ServerHttp2Session, connection: Socket): void {
  const pinging = setInterval(() => {
    if (session.destroyed) return
    const waiting = setTimeout(() => connection.destroy(), PING_TIMEOUT_MS).unref()
    session.ping(() => clearTimeout(waiting))
  }, PING_MS).unref()
  session.on('close', () => clearInterval(pinging))
}

type Calls = { readonly routes: ReadonlyMap<string, GrpcRoute>; readonly context: Context }

function answerCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { routes, context }: Calls,
): void {
  // It was reset while its headers were on their way here.
  if (stream.destroyed || stream.closed) return
  const call = new Call(stream, headers)
  const route = routes.get(call.path)
  if (!isGrpc(headers['content-type'])) call.refuse([':status', '415'])
  else if (headers[':method'] !== 'POST') call.refuse([':status', '405', 'allow', 'POST'])
  else if (route === undefined)
    call.fail(unsupported(`the rpc ${call.path.slice(0, 128)}`, 'call one of docs/reference/grpc.md'))
  else {
    call.limitTime()
    KINDS[route.streams ?? 'none'](call, route, context)
  }
}
