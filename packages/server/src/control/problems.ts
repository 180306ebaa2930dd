import { type FieldError, MillwrightError, problemOf } from '@millwright/contracts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { CHALLENGE } from '../access/permission.ts'
import type { Log } from '../context.ts'
import { storageFaultOf } from '../storage-fault.ts'
import { MlflowError } from '../tracking/errors.ts'
import { FilterError } from '../tracking/filter/tokens.ts'

/** Answers an error as a problem document. Unknown ones are logged whole; their message stays here. */
export function sendProblem(
  log: Log,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = toMillwrightError(error, {
    requestId: request.id,
    limitBytes: request.routeOptions.bodyLimit,
    contentType: request.headers['content-type'],
  })
  if (request.raw.destroyed && isAborted(error)) return reply.hijack()
  if (known.code === 'INTERNAL') log.error({ error, requestId: request.id }, 'request failed')
  logOutage(log, known, request.id)
  if (known.code === 'UNAUTHENTICATED') reply.header('www-authenticate', CHALLENGE)
  // A connection that is closed on a body under way is reset, and the answer with it; the gateway ends it when it has that.
  reply.removeHeader('connection')
  return reply
    .status(known.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(known, request.id)))
}

const OUTAGES: Readonly<Partial<Record<MillwrightError['code'], string>>> = {
  DATABASE_BUSY: 'the database',
  ARTIFACTS_UNAVAILABLE: 'the store of artifacts',
}

/** Whoever asked is told to ask again; why is for whoever runs the server. */
export function logOutage(log: Log, { code, cause }: MillwrightError, requestId: string): void {
  const what = OUTAGES[code]
  if (what !== undefined)
    log.warn({ requestId, reason: (cause as Error).message }, `a request was refused: ${what}`)
}

/** The client went away in the middle of its body: there is nobody to answer and nothing wrong here. */
const isAborted = (error: unknown): boolean => (error as { code?: string }).code === 'ECONNRESET'

type FastifyFault = { code?: string; message: string; statusCode?: number }

type Circumstances = {
  readonly requestId: string
  readonly limitBytes?: number | undefined
  readonly contentType?: string | undefined
}

/** What is wrong, in words that may be told. */
export function toMillwrightError(
  error: unknown,
  { requestId, limitBytes = 0, contentType: given }: Circumstances,
): MillwrightError {
  if (error instanceof MillwrightError) return error
  if (error instanceof FilterError) return new MillwrightError('TRACKING_REFUSED', { reason: error.message })
  if (error instanceof MlflowError)
    return new MillwrightError(error.status === 404 ? 'NOT_TRACKED' : 'TRACKING_REFUSED', {
      reason: error.message,
    })
  const fault = storageFaultOf(error)
  if (fault !== undefined) return fault
  const { code, message, statusCode } = error as FastifyFault
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new MillwrightError('BODY_TOO_LARGE', { limitBytes })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_TYPE':
      return new MillwrightError('UNSUPPORTED_MEDIA_TYPE', {
        expected: 'application/json',
        got: given ?? 'none',
      })
    default:
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new MillwrightError('INVALID_JSON', { detail: message })
  return new MillwrightError('INTERNAL', { requestId }, { cause: error })
}

/** A value as its schema reads it. @throws MillwrightError VALIDATION_FAILED with a pointer per fault */
export function parseOrRefuse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fields = result.error.issues.flatMap((issue) => fieldsOf(issue, where))
  throw new MillwrightError('VALIDATION_FAILED', { count: fields.length }, { fields })
}

function fieldsOf(issue: z.core.$ZodIssue, where: string): FieldError[] {
  const pointer = `${where}${issue.path.map((part) => `/${pointerPart(String(part))}`).join('')}`
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: `${pointer}/${pointerPart(key)}`,
      code: 'unknown_field',
      message: `there is no field "${key}" here`,
    }))
  return [{ pointer, code: issue.code, message: issue.message }]
}

const pointerPart = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')
