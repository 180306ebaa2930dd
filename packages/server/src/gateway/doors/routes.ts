import { MillwrightError } from '@millwright/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { trackBodies } from '../body-time.ts'
import { assertBodyBytes, assertJsonType } from '../limits.ts'
import { type Door, errorOf, isUnexpected, type Replies } from '../replies.ts'
import type { Served } from '../served.ts'
import type { GatewayDeps } from '../server.ts'
import { getDefaultServed, getServed, type ServingTable } from '../serving-table.ts'
import { predictNative } from './native.ts'
import { plainError, predictPlain } from './plain.ts'

type Handler = (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>

/** The doors that predict. Bodies come as bytes; each door reads its own dialect. */
export function predictRoutes(deps: GatewayDeps, replies: Replies) {
  const { plane, maxRows, table } = deps
  const bodies = trackBodies()

  const native: Handler = (request, reply) => {
    const startedAt = performance.now()
    const served = getServed(table(), nameOf(request))
    const body = bodyOf(request, served)
    const text = predictNative({ plane, maxRows }, served, { body, requestId: request.id, startedAt })
    const send = (answer: string) => replies.send('native', request, reply, { status: 200, text: answer })
    return typeof text === 'string' ? send(text) : text.then(send)
  }
  const plain: Handler = (request, reply) => {
    const startedAt = performance.now()
    const served = servedBy(request, table())
    const body = bodyOf(request, served)
    const text = predictPlain(plane, served, { body, requestId: request.id, startedAt })
    replies.send('plain', request, reply, { status: 200, text })
  }
  const doors: { url: string; door: Door; handler: Handler }[] = [
    { url: '/api/v1/deployments/:name/predict', door: 'native', handler: native },
    { url: '/predict', door: 'plain', handler: plain },
    { url: '/predict/:name', door: 'plain', handler: plain },
  ]

  return async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.addHook('onClose', (_app, done) => {
      bodies.stop()
      done()
    })
    for (const { url, door, handler } of doors) {
      app.post(url, {
        onRequest: (request, _reply, done) => {
          bodies.begin(request.raw)
          done()
        },
        handler: (request, reply) => {
          bodies.end(request.raw)
          return handler(request, reply)
        },
        errorHandler: (error, request, reply) => {
          bodies.end(request.raw)
          const known = errorOf(error, request)
          if (isUnexpected(known)) deps.logger.error({ error }, 'prediction failed')
          const served = door === 'plain' ? findServed(request, table()) : undefined
          const worded = served && plainError(served, known)
          replies.sendError(door, request, reply, { error: known, worded })
        },
      })
      addRefusals(app, replies, { url, door, allowed: ['POST'] })
    }
  }
}

const nameOf = (request: FastifyRequest): string => (request.params as { name?: string }).name ?? ''

function servedBy(request: FastifyRequest, table: ServingTable): Served {
  const { name } = request.params as { name?: string }
  return name === undefined ? getDefaultServed(table) : getServed(table, name)
}

/** For wording errors: a deployment that is not there has no words of its own. */
function findServed(request: FastifyRequest, table: ServingTable): Served | undefined {
  const { name } = request.params as { name?: string }
  return name === undefined ? table.default : table.byName.get(name)
}

const NO_BODY = Buffer.alloc(0)

/** @throws MillwrightError UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE */
function bodyOf({ headers, body }: FastifyRequest, served: Served): Buffer {
  assertJsonType(headers['content-type'], headers['content-encoding'])
  const bytes = (body as Buffer | undefined) ?? NO_BODY
  assertBodyBytes(bytes, served)
  return bytes
}

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The methods a path does not take are refused before their body is read; OPTIONS tells which it takes. */
export function addRefusals(
  app: FastifyInstance,
  replies: Replies,
  { url, door, allowed }: { url: string; door: Door; allowed: readonly HTTPMethods[] },
): void {
  const headers = { allow: [...allowed, 'OPTIONS'].join(', ') }
  app.route({
    url,
    method: METHODS.filter((method) => !allowed.includes(method)),
    onRequest: (request, reply) => {
      const path = request.url.split('?')[0]!.slice(0, 128)
      const params = { method: request.method, path, allowed: headers.allow }
      replies.sendError(door, request, reply, {
        error: new MillwrightError('METHOD_NOT_ALLOWED', params),
        headers,
      })
    },
    handler: () => {},
  })
  app.options(url, (request, reply) => replies.send(door, request, reply, { status: 200, text: '', headers }))
}
