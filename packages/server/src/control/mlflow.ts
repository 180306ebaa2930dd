import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../context.ts'
import { answerCall, MLFLOW_ROUTES, type MlflowAnswer, wordError } from '../mlflow/door.ts'
import type { MlflowContext, MlflowRoute } from '../mlflow/route.ts'
import { MlflowError } from '../tracking/errors.ts'
import { FilterError } from '../tracking/filter/tokens.ts'
import { callerOf } from './caller.ts'
import { toMillwrightError } from './problems.ts'

/** Clients ask for `api`, MLflow's user interface for `ajax-api`; both of either version. */
const PREFIXES = ['/api', '/ajax-api'].flatMap((api) =>
  ['2.0', '3.0'].map((version) => `${api}/${version}/mlflow`),
)

/** Puts MLflow's protocol on control's app: every row of its table at every prefix, one way for errors. */
export function registerMlflow(app: FastifyInstance, context: MlflowContext, log: Log): void {
  const register = (plugin: FastifyInstance): void => {
    plugin.removeAllContentTypeParsers()
    plugin.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, parsed) => parsed(null, body))
    plugin.setErrorHandler((error, request, reply) => send(reply, words(log, error, request)))
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
    config: { permission: route.permission },
    async handler(request, reply) {
      const { method, url, headers } = request
      const start = url.indexOf('?')
      const answer = await answerCall(
        route,
        { ...context, by: callerOf(request) },
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
function words(log: Log, error: unknown, request: FastifyRequest): MlflowAnswer {
  if (error instanceof MlflowError || error instanceof FilterError) return wordError(error)
  const known = toMillwrightError(error, request)
  if (known.code === 'INTERNAL') log.error({ error, requestId: request.id }, 'request failed')
  return wordError(known)
}
