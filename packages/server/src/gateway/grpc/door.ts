import type { Socket } from 'node:net'
import type { IdSource } from '../../ids.ts'
import type { Logger } from '../../logging.ts'
import type { RouteDeps } from '../routes.ts'
import { type Tracer, traced } from '../tracing/tracer.ts'
import type { GrpcServer } from './server.ts'

/** The gRPC side of the port. */
export type GrpcDoor = {
  /** Serves a connection whose first bytes are the preface of HTTP/2. */
  readonly takeConnection: (socket: Socket, head: Buffer) => void
  /** Tells the connections there are to send no more calls; new ones are served. */
  readonly askToLeave: () => void
  /** From now on new ones, too. */
  readonly drain: () => void
  readonly closeAll: () => void
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n')

export const isHttp2 = (head: Buffer): boolean => head.subarray(0, PREFACE.length).equals(PREFACE)

/** Loads gRPC with the first connection that speaks it: most gateways never see one. */
export function createGrpcDoor(
  deps: RouteDeps & { readonly ids: IdSource; readonly logger: Logger; readonly tracer: Tracer | undefined },
): GrpcDoor {
  const sockets = new Set<Socket>()
  let loading: Promise<GrpcServer> | undefined
  let isDraining = false
  const load = async (): Promise<GrpcServer> => {
    const [{ createGrpcServer }, { grpcRoutes }] = await Promise.all([
      import('./server.ts'),
      import('./routes.ts'),
    ])
    const { ids, metrics, limits } = deps
    return createGrpcServer({
      routes: traced(deps.tracer, grpcRoutes({ ...deps, maxBodyBytes: limits.grpcMessageBytes })),
      ids,
      cancelled: metrics.cancelled,
      maxMessageBytes: limits.grpcMessageBytes,
      maxStreams: limits.grpcStreams,
      maxHeaderBytes: limits.headerBytes,
      maxHeaders: limits.headers,
    })
  }
  const closeAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const askToLeave = (): void => {
    loading?.then((server) => server.askToLeave(), closeAll)
  }
  return {
    takeConnection(socket, head) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      // 'close' follows, and says enough.
      socket.on('error', () => {})
      socket.pause()
      socket.unshift(head)
      loading ??= load()
      loading.then(
        ({ take }) => {
          if (!socket.destroyed) take(socket)
          if (isDraining) askToLeave()
        },
        (error: unknown) => {
          deps.logger.error({ error }, 'gRPC cannot be loaded; its connections are closed')
          socket.destroy()
        },
      )
    },
    askToLeave,
    drain() {
      isDraining = true
      askToLeave()
    },
    closeAll,
  }
}
