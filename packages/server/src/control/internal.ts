import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Logger } from '../logging.ts'
import type { Gateways } from './gateways.ts'
import { parseOrRefuse, sendProblem } from './problems.ts'
import type { Routing } from './routing.ts'

/** A long poll is answered after this long at the latest, in milliseconds. */
const POLL_MS = 25_000

const Poll = z.object({
  after: z.coerce.number().int().min(0),
  gateway: z.string().min(1).max(128),
  pid: z.coerce.number().int(),
})
const Ack = z.object({
  gateway: z.string().min(1).max(128),
  pid: z.int(),
  epoch: z.int(),
  state: z.enum(['serving', 'loading']),
  error: z.string().optional(),
})

/** When keys were seen last, milliseconds since 1970 by id. */
const Uses = z.record(z.string().max(64), z.int().positive())

export type InternalDeps = {
  readonly routing: Routing
  readonly gateways: Gateways
  readonly metrics: Registry
  readonly logger: Logger
  readonly noteUses: (uses: ReadonlyMap<string, number>) => Promise<void>
}

/** The channel of gateways; nothing of it is reached by users. */
export function createInternalApp(deps: InternalDeps): FastifyInstance {
  const { routing, gateways, metrics, logger } = deps
  const app = Fastify({ logger: false, forceCloseConnections: true })
  app.setErrorHandler((error, request, reply) => sendProblem(logger, error, request, reply))

  app.get('/routing', async (request, reply) => {
    const { after, gateway, pid } = parseOrRefuse(Poll, request.query, '/query')
    const ended = gateways.polling(gateway, pid)
    const gone = goneSignal(reply)
    const isNewer = await routing.newerThan(after, AbortSignal.any([gone, AbortSignal.timeout(POLL_MS)]))
    ended(!gone.aborted)
    return isNewer ? { epoch: routing.epoch() } : reply.status(204).send()
  })

  app.post('/ack', async (request, reply) => {
    const ack = parseOrRefuse(Ack, request.body, '')
    if (ack.error !== undefined) logger.warn(`gateway ${ack.gateway} at epoch ${ack.epoch}: ${ack.error}`)
    gateways.ack(ack)
    return reply.status(204).send()
  })

  app.post('/key-uses', async (request, reply) => {
    await deps.noteUses(new Map(Object.entries(parseOrRefuse(Uses, request.body, ''))))
    return reply.status(204).send()
  })

  app.get('/metrics.json', async () => metrics.getMetricsAsJSON())
  return app
}

/** Aborted when the connection ends before the answer was sent. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  return gone.signal
}
