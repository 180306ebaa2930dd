import { MillwrightError } from '@millwright/contracts'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { createBodyReader } from '../body.ts'
import { assertBodyBytes, assertJsonType } from '../limits.ts'
import { type Door, errorOf, isUnexpected, type Replies } from '../replies.ts'
import type { Served } from '../served.ts'
import type { GatewayDeps } from '../server.ts'
import { getDefaultServed, getServed, type ServingTable } from '../serving-table.ts'
import { type NativeDeps, predictNative } from './native.ts'
import { plainError, predictPlain } from './plain.ts'

/** A request as a door sees it; `startedAt`: `performance.now()` when its body was there. */
export type DoorRequest = { readonly body: Buffer; readonly requestId: string; readonly startedAt: number }
type Answerer = (served: Served, request: DoorRequest) => string | Promise<string>

/** The doors that predict. */
export function addPredictRoutes(app: FastifyInstance, deps: GatewayDeps, replies: Replies): void {
  const native: NativeDeps = { plane: deps.plane, maxRows: deps.maxRows }
  const add = addDoor(app, deps, replies)
  add('/api/v1/deployments/:name/predict', 'native', (served, request) =>
    predictNative(native, served, request),
  )
  const plain: Answerer = (served, request) => predictPlain(deps.plane, served, request)
  add('/predict', 'plain', plain)
  add('/predict/:name', 'plain', plain)
}

/**
 * Adds a path to a door. It answers in fastify's first hook, with the body read here: what fastify does between the
 * first hook and the handler costs more than a prediction.
 */
function addDoor(
  app: FastifyInstance,
  { table, maxBodyBytes, logger, metrics }: GatewayDeps,
  replies: Replies,
) {
  const { state } = metrics
  const ended = (): void => {
    state.inFlight -= 1
  }
  const bodies = createBodyReader({ onGone: ended })
  app.addHook('onClose', (_app, done) => {
    bodies.stop()
    done()
  })
  return (url: string, door: Door, answer: Answerer): void => {
    const fail = (request: FastifyRequest, reply: FastifyReply, fault: unknown): void => {
      ended()
      const error = errorOf(fault, request)
      if (isUnexpected(error)) logger.error({ error: fault }, 'prediction failed')
      const served = door === 'plain' ? findServed(request, table()) : undefined
      replies.sendError(door, request, reply, { error, worded: served && plainError(served, error) })
    }
    const succeed = (request: FastifyRequest, reply: FastifyReply, text: string): void => {
      ended()
      replies.send(door, request, reply, { status: 200, text })
    }
    const open = (request: FastifyRequest, reply: FastifyReply, body: Buffer): void => {
      const startedAt = performance.now()
      const served = getAsked(request, table())
      assertJsonType(request.headers['content-type'], request.headers['content-encoding'])
      assertBodyBytes(body, served)
      const text = answer(served, { body, requestId: request.id, startedAt })
      if (typeof text === 'string') succeed(request, reply, text)
      else
        text.then(
          (later) => succeed(request, reply, later),
          (error: unknown) => fail(request, reply, error),
        )
    }
    app.post(url, {
      onRequest: (request, reply) => {
        state.inFlight += 1
        bodies.read(request.raw, maxBodyBytes, (error, body) => {
          if (error !== undefined) return fail(request, reply, error)
          try {
            open(request, reply, body)
          } catch (fault) {
            fail(request, reply, fault)
          }
        })
      },
      handler: answeredBefore,
    })
    addRefusals(app, replies, { url, door, allowed: ['POST'] })
  }
}

const answeredBefore = (): void => {}

/** @throws MillwrightError DEPLOYMENT_NOT_FOUND, NO_DEPLOYMENT */
function getAsked(request: FastifyRequest, table: ServingTable): Served {
  const { name } = request.params as { name?: string }
  return name === undefined ? getDefaultServed(table) : getServed(table, name)
}

/** For wording errors: a deployment that is not there has no words of its own. */
function findServed(request: FastifyRequest, table: ServingTable): Served | undefined {
  const { name } = request.params as { name?: string }
  return name === undefined ? table.default : table.byName.get(name)
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
    handler: answeredBefore,
  })
  app.options(url, (request, reply) => replies.send(door, request, reply, { status: 200, text: '', headers }))
}
