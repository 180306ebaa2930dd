import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RelayedHead } from '../channel/relayed.ts'
import type { Log } from '../context.ts'
import { type Logger, logRequest } from '../logging.ts'
import { answerCall, MLFLOW_ROUTES, type MlflowAnswer, wordError } from '../mlflow/door.ts'
import type { MlflowContext, MlflowRoute } from '../mlflow/route.ts'
import { MlflowError } from '../tracking/errors.ts'
import { FilterError } from '../tracking/filter/tokens.ts'
import { admit, type Gate } from './admit.ts'
import type { AppDeps } from './app.ts'
import { callerOf } from './caller.ts'
import { logOutage, toMillwrightError } from './problems.ts'
import type { AnswerRelayed } from './relay.ts'

/** Clients ask for `api`, MLflow's user interface for `ajax-api`; both of either version. */
const PREFIXES = ['/api', '/ajax-api'].flatMap((api) =>
  ['2.0', '3.0'].map((version) => `${api}/${version}/mlflow`),
)

/** Puts MLflow's protocol on control's app: every row of its table at every prefix, one way for errors. */
export function registerMlflow(app: FastifyInstance, context: MlflowContext, log: Log): void {
  const register = (plugin: FastifyInstance): void => {
    plugin.removeAllContentTypeParsers()
    plugin.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, parsed) => parsed(null, body))
    plugin.setErrorHandler((error, request, reply) => send(reply, words(log, error, request.id)))
    plugin.setNotFoundHandler((request, reply) => send(reply, wordError(unknownEndpoint(request))))
    for (const route of MLFLOW_ROUTES) addRoute(plugin, route, context)
  }
  for (const prefix of PREFIXES)
    app.register(
      (plugin, _, done) => {
        register(plugin)
        done()
      },
      { prefix },
    )
}

function addRoute(plugin: FastifyInstance, route: MlflowRoute, context: MlflowContext): void {
  plugin.route({
    method: [...route.methods],
    url: `/${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    config: { permission: route.permission, decides: true },
    async handler(request, reply) {
      const { method, url, headers } = request
      const start = url.indexOf('?')
      const answer = await answerCall(
        route,
        {
          ...context,
          grant: request.caller,
          by: callerOf(request.caller, headers['x-millwright-user']),
        },
        {
          ...{
            method,
            params: request.params as Record<string, string>,
            contentType: headers['content-type'],
          },
          query: start < 0 ? '' : url.slice(start + 1),
          body: (request.body as Buffer | undefined) ?? NOTHING,
        },
      )
      return send(reply, answer)
    },
  })
}

const NOTHING = Buffer.alloc(0)

const send = (reply: FastifyReply, { status, body }: MlflowAnswer): FastifyReply =>
  reply.status(status).type('application/json').send(body)

const unknownEndpoint = ({ method, url }: FastifyRequest): MlflowError =>
  new MlflowError('ENDPOINT_NOT_FOUND', `There is no ${method} ${url.split('?', 1)[0]}`)

/** Errors that nobody expected are logged whole, and told nobody. */
function words(log: Log, error: unknown, requestId: string): MlflowAnswer {
  if (error instanceof MlflowError || error instanceof FilterError) return wordError(error)
  const known = toMillwrightError(error, { requestId })
  if (known.code === 'INTERNAL') log.error({ error, requestId }, 'request failed')
  logOutage(log, known, requestId)
  return wordError(known)
}

type RelayDeps = Gate & {
  readonly context: MlflowContext
  readonly logger: Logger
  /** Told of every answer, for metrics. */
  readonly onAnswer: NonNullable<AppDeps['onAnswer']>
}

/** Answers what gateways relay: the same rows, by the same rules. */
export function createRelayAnswerer({ context, logger, onAnswer, ...gate }: RelayDeps): AnswerRelayed {
  const routes = new Map<string, MlflowRoute>(
    MLFLOW_ROUTES.flatMap((route) =>
      PREFIXES.flatMap((prefix) =>
        route.methods.map((method) => [`${method} ${prefix}/${route.path}`, route] as const),
      ),
    ),
  )
  const answer = async (head: RelayedHead, path: string, body: Buffer): Promise<MlflowAnswer> => {
    const { method, url, headers } = head
    const route = routes.get(`${method} ${path}`)
    const asker = { header: (name: string) => headers[name] }
    const grant = await admit(gate, { method, asker, permission: route?.permission, subjects: undefined })
    if (route === undefined) throw new MlflowError('ENDPOINT_NOT_FOUND', `There is no ${method} ${path}`)
    const call = { ...context, grant, by: callerOf(grant, headers['x-millwright-user']) }
    const query = url.slice(path.length + 1)
    return answerCall(route, call, { method, params: {}, query, contentType: headers['content-type'], body })
  }
  return async (head, body) => {
    const startedAt = performance.now()
    const [path = ''] = head.url.split('?', 1)
    const { method, id: requestId } = head
    const reply = await answer(head, path, body).catch((error: unknown) => words(logger, error, requestId))
    const milliseconds = performance.now() - startedAt
    const { status } = reply
    logRequest(logger, { method, path, status, durationNs: milliseconds * 1e6, requestId })
    onAnswer({ method, route: path, status, seconds: milliseconds / 1000 })
    return reply
  }
}
