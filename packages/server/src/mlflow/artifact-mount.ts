import { MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CHALLENGE } from '../access/permission.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { BLOB, type BlobPart, READS_BLOBS, writeBlobPart } from '../blobs/handover.ts'
import type { Log } from '../context.ts'
import { storageFaultOf } from '../storage-fault.ts'
import { type ErrorCode, MlflowError, STATUS_OF } from '../tracking/errors.ts'
import { assertWithin } from './about.ts'
import type { ArtifactRoute } from './artifact-route.ts'
import { ARTIFACT_ROUTES } from './artifact-routes.ts'

/** Puts the table on control's app, in a context of its own: bodies are handed on unread, errors are MLflow's. */
export function mountArtifacts(app: FastifyInstance, artifacts: Artifacts, log: Log): void {
  app.register((context, _, done) => {
    context.removeAllContentTypeParsers()
    context.addContentTypeParser('*', (_, payload, parsed) => parsed(null, payload))
    context.setErrorHandler<FastifyError>((error, request, reply) => sendFault(log, error, request, reply))
    for (const route of ARTIFACT_ROUTES) addRoute(context, route, artifacts)
    done()
  })
}

function addRoute(app: FastifyInstance, route: ArtifactRoute, artifacts: Artifacts): void {
  const prefix = route.path.replace('*', '')
  app.route({
    method: [...route.methods],
    url: route.path,
    config: { permission: route.permission, decides: true },
    bodyLimit: Number.MAX_SAFE_INTEGER,
    handler: async (request, reply) => {
      if (artifacts.isDirect && route.path.includes('/mlflow-artifacts/')) throw notServed()
      const [path = '', query = ''] = splitOnce(request.url, '?')
      // The router takes `%61` for `a`; what the route's own part says in another way is not looked for.
      if (!path.startsWith(prefix)) throw new MlflowError('ENDPOINT_NOT_FOUND', `There is no ${path}`)
      const asked = {
        ...{ method: request.method, rest: path.slice(prefix.length), query, headers: request.headers },
        body: request.raw,
        origin: originOf(request),
      }
      const { about, permission } = route
      if (typeof about === 'function')
        await assertWithin(request.caller, permission, () => about(artifacts, asked))
      const { status, headers, body } = await route.answer(artifacts, asked)
      reply.status(status).headers(headers)
      return typeof body === 'object' && 'digest' in body
        ? sendPart(reply, body, artifacts)
        : reply.send(body)
    },
  })
}

/** Gateways that read blobs send it themselves. */
function sendPart(reply: FastifyReply, part: BlobPart, { blobs, isHere }: Artifacts): FastifyReply {
  if (!isHere || reply.request.headers[READS_BLOBS] === undefined)
    return reply.send(blobs.get(part.digest, part))
  return reply.headers({ [BLOB]: writeBlobPart(part), 'content-length': '0' }).send()
}

const notServed = (): MlflowError =>
  new MlflowError(
    'TEMPORARILY_UNAVAILABLE',
    'This server keeps no files: it was started with --artifacts-direct. Read and write them where the run says they are',
  )

const splitOnce = (text: string, mark: string): string[] => {
  const at = text.indexOf(mark)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** As the client wrote it: gateways, and servers before them, say so. Given back to the same client and nobody else. */
function originOf({ headers, protocol, host }: FastifyRequest): string {
  const first = (name: string): string | undefined => headers[name]?.toString().split(',')[0]?.trim()
  const name = first('x-forwarded-host') ?? host
  return `${first('x-forwarded-proto') === 'https' ? 'https' : protocol}://${name}`
}

/** In MLflow's words. Unknown errors are logged whole; their message stays here. */
function sendFault(
  log: Log,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (request.raw.destroyed && error.code === 'ECONNRESET') return reply.hijack()
  const { code, message } = faultOf(error)
  if (code === 'INTERNAL_ERROR' || '$metadata' in error)
    log.error({ error, requestId: request.id }, 'request failed')
  if (code === 'UNAUTHENTICATED') reply.header('www-authenticate', CHALLENGE)
  reply.removeHeader('connection')
  return reply
    .status(STATUS_OF[code])
    .type('application/json')
    .send(JSON.stringify({ error_code: code, message }))
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  507: 'TEMPORARILY_UNAVAILABLE',
}

function faultOf(error: Error): { readonly code: ErrorCode; readonly message: string } {
  if (error instanceof MlflowError) return error
  if ('$metadata' in error)
    return { code: 'TEMPORARILY_UNAVAILABLE', message: `The store of artifacts answered ${error.name}` }
  const known = storageFaultOf(error) ?? error
  if (!(known instanceof MillwrightError) || known.status === 500)
    return { code: 'INTERNAL_ERROR', message: 'The request failed; the log of the server says why' }
  const code =
    CODES[known.status] ?? (known.status < 500 ? 'INVALID_PARAMETER_VALUE' : 'TEMPORARILY_UNAVAILABLE')
  return { code, message: sentenceOf(known) }
}
