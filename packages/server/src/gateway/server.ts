import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { MillwrightError } from '@millwright/contracts/errors'
import { createServer } from '../http.ts'
import type { IdSource } from '../ids.ts'
import type { Logger } from '../logging.ts'
import { createAdmission } from './admission.ts'
import { createBodyReader } from './body.ts'
import type { Dataplane } from './dataplane.ts'
import { type Exchange, pathOf } from './exchange.ts'
import { createFastPath } from './fast-path.ts'
import type { HealthState } from './health.ts'
import { HttpExchange } from './http-exchange.ts'
import type { Jobs } from './jobs/runner.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { ControlProxy } from './proxy.ts'
import { createReplies, type Replies } from './replies.ts'
import type { GatewayRoute } from './route.ts'
import { createRouter } from './router.ts'
import { gatewayRoutes } from './routes.ts'
import type { ServingTable } from './serving-table.ts'

export type GatewayDeps = {
  readonly jobs: Jobs
  readonly table: () => ServingTable
  readonly isReady: () => boolean
  readonly plane: Dataplane
  readonly metrics: GatewayMetrics
  /** Text of GET /metrics. */
  readonly scrape: () => Promise<string>
  readonly proxy: ControlProxy
  readonly ids: IdSource
  readonly logger: Logger
  readonly maxBodyBytes: number
  readonly maxRows: number
  readonly maxWaitMs: number
}

export type Gateway = {
  readonly server: Server
  /** Answers a POST that came in another way than over a connection. */
  readonly answer: (exchange: Exchange) => void
  /** Stops accepting, answers what is under way, closes every connection. Resolves when all are closed. */
  readonly drain: () => Promise<void>
  readonly closeAllConnections: () => void
}

const HEADER_BYTES = 16 << 10
const HEADERS_TIMEOUT_MS = 10_000
/** Longest silence on a connection inside a request. */
const IDLE_TIMEOUT_MS = 120_000
/** Above the idle time-outs of usual load balancers, which must be the ones to close. */
const KEEP_ALIVE_MS = 75_000
const CHECK_MS = 1_000
const DRAIN_STEP_MS = 20

/**
 * The public server: predictions, health and metrics are answered here, everything else by control. On node:http as it
 * is: a framework costs more than it does.
 */
export function createGateway(deps: GatewayDeps): Gateway {
  const replies = createReplies(deps.metrics, deps.logger)
  const bodies = createBodyReader({
    onGone: () => {
      deps.metrics.state.inFlight -= 1
    },
  })
  let isDraining = false
  const health = (): HealthState => ({ table: deps.table(), isReady: deps.isReady(), isDraining })
  const find = createRouter(byPath(gatewayRoutes({ ...deps, replies, health, admission: createAdmission() })))

  const passOn = (exchange: HttpExchange): void => {
    if (isDraining) exchange.response.shouldKeepAlive = false
    deps.proxy.pass(exchange, (error) => replies.sendError('proxy', exchange, error))
  }
  const dispatch = (exchange: HttpExchange): void => {
    const match = find(exchange.url)
    const { method } = exchange
    const route = match?.target.find(({ methods }) => methods.includes(method))
    if (match === undefined || route?.takes?.(exchange) === false) passOn(exchange)
    else if (route !== undefined) route.answer(exchange, match.params)
    else if (REFUSED.has(method)) refuse(replies, exchange, match.target)
    else passOn(exchange)
  }

  const server = createHttpServer()
  server.on('close', bodies.stop)
  server.on('request', (request, response) => {
    const exchange = new HttpExchange(request, response, { bodies, ids: deps.ids })
    try {
      dispatch(exchange)
    } catch (fault) {
      replies.sendError('proxy', exchange, fault instanceof URIError ? routeNotFound(exchange) : fault)
    }
  })

  const answererOf = (url: string): ((exchange: Exchange) => void) | undefined => {
    const match = find(url)
    const route = match?.target.find(({ methods }) => methods.includes('POST'))
    if (route === undefined || route.takes !== undefined) return undefined
    return (exchange) => route.answer(exchange, match!.params)
  }
  const fastPath = createFastPath({
    server,
    ids: deps.ids,
    answererOf,
    firstMs: HEADERS_TIMEOUT_MS,
    keepAliveMs: KEEP_ALIVE_MS,
  })

  return {
    server,
    answer(exchange) {
      const answer = answererOf(exchange.url)
      if (answer === undefined) replies.sendError('jobs', exchange, routeNotFound(exchange))
      else answer(exchange)
    },
    async drain() {
      isDraining = true
      replies.closeConnections()
      fastPath.stop()
      await closeServer(server, fastPath.closeIdle)
    },
    closeAllConnections() {
      fastPath.closeAll()
      server.closeAllConnections()
    },
  }
}

function createHttpServer(): Server {
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // An upload to control may take as long as it goes on.
    requestTimeout: 0,
  })
  server.setTimeout(IDLE_TIMEOUT_MS)
  return server.on('clientError', refuseConnection)
}

/** The rows of one path, each for some methods. */
type PathRoutes = readonly GatewayRoute[]

const byPath = (routes: PathRoutes): [string, PathRoutes][] => [...Map.groupBy(routes, ({ path }) => path)]

/** What is neither allowed nor among these is control's to refuse. */
const REFUSED = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Methods that a path does not take are refused before their body is read; OPTIONS tells which it takes. */
function refuse(replies: Replies, exchange: Exchange, routes: PathRoutes): void {
  const { method } = exchange
  const { door, word } = routes[0]!
  const headers = { allow: [...routes.flatMap(({ methods }) => methods), 'OPTIONS'].join(', ') }
  const params = { method, path: pathOf(exchange), allowed: headers.allow }
  if (method === 'OPTIONS') replies.send(door, exchange, { body: '', headers })
  else
    replies.sendError(door, exchange, new MillwrightError('METHOD_NOT_ALLOWED', params), {
      headers,
      word: word && ((error) => word(error, undefined)),
    })
}

const routeNotFound = (exchange: Exchange): MillwrightError =>
  new MillwrightError('ROUTE_NOT_FOUND', { method: exchange.method, path: pathOf(exchange) })

const CONNECTION_FAULTS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}

/** What came is not HTTP, or not in time. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, title] = CONNECTION_FAULTS[error.code ?? ''] ?? [400, 'Bad Request']
  const text = JSON.stringify({ type: 'about:blank', title, status })
  const head = `HTTP/1.1 ${status} ${title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
}

/** Connections that go idle after their last answer are closed until none is left. */
async function closeServer(server: Server, closeIdle: () => void): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const closing = setInterval(() => {
    closeIdle()
    server.closeIdleConnections()
  }, DRAIN_STEP_MS)
  await closed.finally(() => clearInterval(closing))
}
