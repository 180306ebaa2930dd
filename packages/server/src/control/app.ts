import { MillwrightError } from '@millwright/contracts'
import type { Permission } from '@millwright/contracts/scopes'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  assertAbout,
  assertScope,
  deployment,
  type Grant,
  model,
  type Subject,
} from '../access/permission.ts'
import { createIdSource } from '../ids.ts'
import { assertJsonDepth } from '../json-depth.ts'
import { type Logger, logRequest } from '../logging.ts'
import type { Call, Route } from '../route.ts'
import { admit, type Gate } from './admit.ts'
import { callerOf } from './caller.ts'
import { addPages } from './docs.ts'
import { doors } from './doors.ts'
import { registerPages } from './pages/register.ts'
import { parseOrRefuse, sendProblem } from './problems.ts'

export type AppDeps = Gate & {
  /** The whole route table. */
  readonly routes: readonly Route[]
  /** Doors of other protocols: they put their routes, of which each says its permission, on the app. */
  readonly mounts?: readonly ((app: FastifyInstance) => void)[]
  readonly logger: Logger
  /** Told of every route there is, pages among them. */
  readonly onRoute?: (route: { path: string; methods: readonly string[]; permission: Permission }) => void
  /** Told of every answer, for metrics. */
  readonly onAnswer?: (answer: { method: string; route: string; status: number; seconds: number }) => void
}

/** Largest JSON body, in bytes: a version with its sample rows. */
const BODY_LIMIT = 32 << 20
const JSON_DEPTH = 64
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
/** Longest part of a path; what is too long for a name is refused as one, with its reason. */
const MAX_PARAM_LENGTH = 4096

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission
    /** Its handler decides what a request is about, before it does anything. */
    decides?: true
  }
  interface FastifyRequest {
    /** Whose key it was sent with; undefined where none is asked for. */
    caller: Grant | undefined
  }
}

/** What a path names. */
function subjectsOf({ params }: FastifyRequest): Subject[] {
  const named = (params ?? {}) as { deployment?: string; model?: string }
  return [
    ...(named.deployment === undefined ? [] : [deployment(named.deployment)]),
    ...(named.model === undefined ? [] : [model(named.model)]),
  ]
}

const firstOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

/** Control's public API: every route of the table, the documentation, and one way for errors. */
export function createApp(deps: AppDeps): FastifyInstance {
  const ids = createIdSource()
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: 'idle',
    requestTimeout: 0,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    genReqId: ({ headers }) => {
      const given = headers['request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : ids.next('req_')
    },
  })
  app.removeContentTypeParser(['text/plain', 'application/json'])
  addJsonParser(app)
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('request-id', request.id)
    reply.header('cache-control', 'no-store')
    reply.header('x-content-type-options', 'nosniff')
    const { permission, decides } = request.routeOptions.config
    const subjects = decides ? undefined : subjectsOf(request)
    const asker = { header: (name: string) => firstOf(request.headers[name]) }
    request.caller = await admit(deps, { method: request.method, asker, permission, subjects })
  })
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.permission === undefined) throw new RangeError(`route ${url} says no permission`)
    deps.onRoute?.({ path: url, methods: [method].flat(), permission: config.permission })
  })
  app.addHook('onResponse', async (request, reply) => answered(deps, request, reply))
  app.setErrorHandler((error, request, reply) => sendProblem(deps.logger, error, request, reply))
  app.setNotFoundHandler((request, reply) => refusePath(deps, request, reply))
  addPages(app, [...deps.routes, ...doors])
  registerPages(app)
  addJsonRoutes(app, deps.routes)
  addStreamRoutes(app, deps.routes)
  for (const mount of deps.mounts ?? []) mount(app)
  return app
}

/** Bodies are parsed as Fastify does, once they are known not to be nested without end: templates and rules are walked. */
function addJsonParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, parsed) => {
    try {
      assertJsonDepth(String(body), JSON_DEPTH)
    } catch (error) {
      parsed(error as Error)
      return
    }
    void parse(request, String(body), parsed)
  })
}

/** `/models/{model}` → `/models/:model`. */
const fastifyPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

function addJsonRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const route of routes) if (route.body !== 'stream') addRoute(app, route)
}

/** In a context of their own, where a body of any media type is handed on unread. */
function addStreamRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  app.register((streams, _, done) => {
    streams.removeAllContentTypeParsers()
    streams.addContentTypeParser('*', (_, payload, parsed) => parsed(null, payload))
    for (const route of routes) if (route.body === 'stream') addRoute(streams, route)
    done()
  })
}

function addRoute(app: FastifyInstance, route: Route): void {
  app.route({
    method: route.method,
    url: fastifyPath(route.path),
    config: { permission: route.permission, ...(route.decides && { decides: true }) },
    ...(route.body === 'stream' ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
    handler: async (request, reply) => {
      const call = parseCall(route, request)
      const { status, body, headers } = await route.handle(call)
      return reply
        .status(status ?? Number(Object.keys(route.answers)[0]))
        .headers(headers ?? {})
        .send(body)
    },
  })
}

function parseCall(route: Route, request: FastifyRequest): Call<never, never, never> {
  const { params, query, body } = route
  return {
    params: (params && parseOrRefuse(params, request.params, '/path')) as never,
    query: (query && parseOrRefuse(query, request.query, '/query')) as never,
    body: (body === 'stream'
      ? (request.body ?? request.raw)
      : body && parseOrRefuse(body, request.body ?? {}, '')) as never,
    headers: request.headers,
    url: request.url,
    by: callerOf(request.caller, request.headers['x-millwright-user']),
    requestId: request.id,
    grant: request.caller,
    assertMay(permission, subjects = subjectsOf(request)) {
      if (request.caller === undefined) return
      assertScope(request.caller, permission)
      assertAbout(request.caller, permission, subjects)
    },
  }
}

function refusePath({ routes }: AppDeps, request: FastifyRequest, reply: FastifyReply): never {
  const path = request.url.split('?', 1)[0]!
  const { method } = request
  const allowed = [
    ...new Set(routes.filter((route) => matches(route.path, path)).map((route) => route.method)),
  ]
  if (allowed.length === 0) throw new MillwrightError('ROUTE_NOT_FOUND', { method, path })
  reply.header('allow', allowed.join(', '))
  throw new MillwrightError('METHOD_NOT_ALLOWED', { method, path, allowed: allowed.join(', ') })
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith('{') ? given[i] !== '' : part === given[i]))
  )
}

function answered({ logger, onAnswer }: AppDeps, request: FastifyRequest, reply: FastifyReply): void {
  const { method } = request
  const status = reply.statusCode
  logRequest(logger, {
    method,
    path: request.url.split('?', 1)[0]!,
    status,
    durationNs: reply.elapsedTime * 1e6,
    requestId: request.id,
  })
  const route = request.routeOptions.url ?? 'none'
  onAnswer?.({ method, route, status, seconds: reply.elapsedTime / 1000 })
}
