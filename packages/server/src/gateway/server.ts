import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SecureContextOptions } from 'node:tls'
import { MillwrightError } from '@millwright/contracts/errors'
import type { AccessPolicy } from '../access/origin.ts'
import { createWrongKeys } from '../access/wrong-keys.ts'
import type { GatewayLimits } from '../config.ts'
import { createServer } from '../http.ts'
import type { IdSource } from '../ids.ts'
import type { Logger } from '../logging.ts'
import { createAdmission } from './admission.ts'
import { createBodyReader } from './body.ts'
import { closeListener, limitConnections } from './connections.ts'
import type { Dataplane } from './dataplane.ts'
import { createDispatcher } from './dispatch.ts'
import type { Exchange } from './exchange.ts'
import { createFastPath } from './fast-path.ts'
import { createGrpcDoor } from './grpc/door.ts'
import { createGuard } from './guard.ts'
import type { HealthState } from './health.ts'
import { HttpExchange } from './http-exchange.ts'
import type { Jobs } from './jobs/runner.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { ControlProxy } from './proxy.ts'
import { createRates } from './rates.ts'
import type { Relay } from './relay.ts'
import { createReplies } from './replies.ts'
import { gatewayRoutes, type RouteDeps } from './routes.ts'
import type { ServingTable } from './serving-table.ts'
import { chooseProtocol } from './tls.ts'
import { type Tracer, traced } from './tracing/tracer.ts'

export type GatewayDeps = {
  readonly jobs: Jobs
  readonly table: () => ServingTable
  readonly isReady: () => boolean
  readonly plane: Dataplane
  readonly metrics: GatewayMetrics
  readonly scrape: RouteDeps['scrape']
  readonly proxy: ControlProxy
  readonly relay: Relay
  readonly ids: IdSource
  readonly logger: Logger
  readonly maxBodyBytes: number
  readonly maxRows: number
  readonly maxWaitMs: number
  readonly limits: GatewayLimits
  readonly access: AccessPolicy
  /** Records traces; undefined: there are none. */
  readonly tracer?: Tracer | undefined
  /** Speaks HTTPS with these; undefined: plain HTTP. */
  readonly tls?: SecureContextOptions | undefined
}

export type Gateway = {
  readonly server: Server | TlsServer
  /** Answers a POST that came in another way than over a connection. */
  readonly answer: (exchange: Exchange) => void
  /**
   * Says at once that it is not ready and asks callers to leave; answers everybody for `graceMs` more, then stops
   * accepting and answers what is under way. Resolves when every connection is closed.
   */
  readonly drain: (graceMs: number) => Promise<void>
  readonly closeAllConnections: () => void
}

const CHECK_MS = 1_000
const DRAIN_STEP_MS = 20

/**
 * The public server: predictions, health and metrics are answered here, everything else by control. On node:http as it
 * is: a framework costs more than it does.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const { limits } = deps
  const replies = createReplies(deps.metrics, deps.logger)
  const bodies = createBodyReader({
    timeoutMs: limits.bodyMs,
    most: limits.bodyPieces,
    onGone: () => {
      deps.metrics.state.inFlight -= 1
    },
  })
  let isDraining = false
  const health = (): HealthState => ({ table: deps.table(), isReady: deps.isReady(), isDraining })
  const guard = createGuard(deps.table, deps.access, createWrongKeys(limits.wrongKeys))
  const admission = createAdmission()
  const routeDeps: RouteDeps = {
    ...{ ...deps, guard, replies, health },
    ...{ admission, rates: createRates() },
  }
  const grpc = createGrpcDoor({ ...routeDeps, ids: deps.ids, logger: deps.logger, tracer: deps.tracer })
  const passOn = (exchange: HttpExchange): void => {
    if (isDraining) exchange.response.shouldKeepAlive = false
    deps.proxy.pass(exchange, (error) => replies.sendError('proxy', exchange, error))
  }
  const routes = traced(deps.tracer, gatewayRoutes(routeDeps))
  const { dispatch, answerOf, answererOf } = createDispatcher({ guard, routes, replies, passOn })

  const server = createHttpServer(limits, deps.tls)
  server.on('close', bodies.stop)
  server.on('request', (request, response) => {
    const exchange = new HttpExchange(request, response, { bodies, ids: deps.ids })
    // Names and values take turns.
    if (request.rawHeaders.length <= 2 * limits.headers) dispatch(exchange)
    else
      replies.sendError('proxy', exchange, new MillwrightError('TOO_MANY_HEADERS', { most: limits.headers }))
  })

  const fastPath = createFastPath({
    server,
    ids: deps.ids,
    answererOf,
    takeHttp2: grpc.takeConnection,
    firstMs: limits.headerMs,
    keepAliveMs: limits.keepAliveMs,
    mostHeaders: limits.headers,
  })
  limitConnections(server, limits)
  server.on('connection', admission.noteConnection)

  return {
    server,
    answer: answerOf,
    async drain(graceMs) {
      isDraining = true
      replies.closeConnections()
      grpc.askToLeave()
      await sleep(graceMs)
      grpc.drain()
      await closeServer(server, fastPath.closeIdle)
    },
    closeAllConnections() {
      fastPath.closeAll()
      grpc.closeAll()
      server.closeAllConnections()
    },
  }
}

function createHttpServer(limits: GatewayLimits, tls: SecureContextOptions | undefined): Server | TlsServer {
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headerMs,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: limits.keepAliveMs,
    // An upload to control may take as long as it goes on.
    requestTimeout: 0,
  }
  const server =
    tls === undefined
      ? createServer(options)
      : process.getBuiltinModule('node:https').createServer({
          ...options,
          ...tls,
          ALPNCallback: chooseProtocol,
          handshakeTimeout: limits.headerMs,
        })
  server.setTimeout(limits.idleMs)
  // They are counted where too many can be refused: node:http leaves out what is beyond.
  server.maxHeadersCount = 0
  return server.on('clientError', refuseConnection)
}

const CONNECTION_FAULTS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}

const isOfTls = ({ code = '' }: { code?: string }): boolean => /^ERR_(?:SSL|TLS)_/.test(code)

/** What came is not HTTP, or not in time. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isOfTls(error)) {
    socket.destroy()
    return
  }
  const [status, title] = CONNECTION_FAULTS[error.code ?? ''] ?? [400, 'Bad Request']
  const text = JSON.stringify({ type: 'about:blank', title, status })
  const head = `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}

/** Connections that go idle after their last answer are closed until none is left. */
async function closeServer(server: Server | TlsServer, closeIdle: () => void): Promise<void> {
  if (!server.listening) return
  const { closed } = await closeListener(server)
  const closing = setInterval(() => {
    closeIdle()
    server.closeIdleConnections()
  }, DRAIN_STEP_MS)
  await closed.finally(() => clearInterval(closing))
}
