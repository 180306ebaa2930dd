import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { MillwrightError } from '@millwright/contracts'
import { type FastifyInstance, fastify } from 'fastify'
import type { IdSource } from '../ids.ts'
import type { Logger } from '../logging.ts'
import type { Dataplane } from './dataplane.ts'
import { addPredictRoutes, addRefusals } from './doors/routes.ts'
import { describeHealth, describeReadiness, type HealthState, LIVE } from './health.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { ControlProxy } from './proxy.ts'
import { createReplies, errorOf, isUnexpected, type Replies } from './replies.ts'
import type { ServingTable } from './serving-table.ts'

export type GatewayDeps = {
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
}

export type Gateway = {
  readonly app: FastifyInstance
  /** Stops accepting, answers what is under way, closes every connection. Resolves when all are closed. */
  readonly drain: () => Promise<void>
}

const HEADER_BYTES = 16 << 10
const HEADERS_TIMEOUT_MS = 10_000
/** Longest silence on a connection inside a request. */
const IDLE_TIMEOUT_MS = 120_000
/** Above the idle time-outs of usual load balancers, which must be the ones to close. */
const KEEP_ALIVE_MS = 75_000
const CHECK_MS = 1_000
const NAME_CHARACTERS = 128
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const DRAIN_STEP_MS = 20
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function createGateway(deps: GatewayDeps): Gateway {
  const { ids, metrics } = deps
  const replies = createReplies(metrics, deps.logger)
  const app = fastify({
    genReqId: (request) => requestIdOf(request as IncomingMessage, ids),
    bodyLimit: deps.maxBodyBytes,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: NAME_CHARACTERS },
    http: {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (_error, request, reply) => {
      const path = request.url.slice(0, NAME_CHARACTERS)
      const error = new MillwrightError('ROUTE_NOT_FOUND', { method: request.method, path })
      replies.sendError('proxy', request, reply, { error })
    },
  })
  let isDraining = false
  const health = (): HealthState => ({ table: deps.table(), isReady: deps.isReady(), isDraining })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, request, reply) => {
    const known = errorOf(error, request)
    if (isUnexpected(known)) deps.logger.error({ error }, 'request failed')
    replies.sendError('proxy', request, reply, { error: known })
  })
  addPredictRoutes(app, deps, replies)
  addHealthRoutes(app, replies, health)
  app.get('/metrics', async (request, reply) => {
    const text = await deps.scrape()
    replies.send('metrics', request, reply, { status: 200, type: METRICS_TYPE, text })
  })
  app.setNotFoundHandler((request, reply) => {
    if (isDraining) reply.raw.shouldKeepAlive = false
    deps.proxy.pass(request, reply)
  })

  return {
    app,
    async drain() {
      isDraining = true
      replies.closeConnections()
      await closeServer(app)
      await app.close()
    },
  }
}

function addHealthRoutes(app: FastifyInstance, replies: Replies, health: () => HealthState): void {
  const describe = {
    '/health': () => describeHealth(health()),
    '/health/live': () => LIVE,
    '/health/ready': () => describeReadiness(health()),
  }
  for (const [url, answer] of Object.entries(describe)) {
    app.get(url, (request, reply) => replies.send('health', request, reply, answer()))
    addRefusals(app, replies, { url, door: 'health', allowed: ['GET', 'HEAD'] })
  }
}

function requestIdOf({ headers }: IncomingMessage, ids: IdSource): string {
  const given = headers['request-id']
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next('req_')
}

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
async function closeServer({ server }: FastifyInstance): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const closing = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS)
  await closed.finally(() => clearInterval(closing))
}
