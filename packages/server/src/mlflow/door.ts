import { type MillwrightError, sentenceOf } from '@millwright/contracts/errors'
import { type ErrorCode, invalid, MlflowError } from '../tracking/errors.ts'
import { FilterError } from '../tracking/filter/tokens.ts'
import { assertWithin } from './about.ts'
import { encode } from './encode.ts'
import { EXPERIMENT_ROUTES } from './experiments.ts'
import { type Fields, isObject, readMessage } from './fields.ts'
import { LINEAGE_ROUTES } from './lineage.ts'
import { LOGGED_MODEL_ROUTES } from './logged-models.ts'
import { MODEL_VERSION_ROUTES } from './model-versions.ts'
import { REGISTERED_MODEL_ROUTES } from './registered-models.ts'
import type { MlflowCall, MlflowRoute } from './route.ts'
import { RUN_ROUTES } from './runs.ts'
import { SEARCH_ROUTES } from './searches.ts'
import { SERIES_ROUTES } from './series.ts'
import { SERVER_INFO_ROUTES } from './server-info.ts'
import { WEBHOOK_ROUTES } from './webhooks.ts'

export type MlflowRequest = {
  readonly method: string
  /** Parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>
  /** As sent, without its question mark. */
  readonly query: string
  readonly contentType: string | undefined
  readonly body: Buffer
}
export type MlflowAnswer = { readonly status: number; readonly body: string }

/** MLflow's REST protocol, but for files. */
export const MLFLOW_ROUTES: readonly MlflowRoute[] = [
  ...SERVER_INFO_ROUTES,
  ...EXPERIMENT_ROUTES,
  ...RUN_ROUTES,
  ...SERIES_ROUTES,
  ...LINEAGE_ROUTES,
  ...SEARCH_ROUTES,
  ...LOGGED_MODEL_ROUTES,
  ...REGISTERED_MODEL_ROUTES,
  ...MODEL_VERSION_ROUTES,
  ...WEBHOOK_ROUTES,
]

/** @throws MlflowError, FilterError, MillwrightError for what a caller did */
export async function answerCall(
  route: MlflowRoute,
  call: MlflowCall,
  request: MlflowRequest,
): Promise<MlflowAnswer> {
  const message = readMessage(route.fields, { ...givenBy(request, route.fields), ...request.params })
  const { about, permission } = route
  if (typeof about === 'function')
    await assertWithin(call.grant, permission, () => about(call.db, message as never))
  return { status: 200, body: encode(await route.answer(call, message as never)) }
}

/** Codes for errors of Millwright, by their status. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  ...{ 400: 'INVALID_PARAMETER_VALUE', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED' },
  ...{ 404: 'RESOURCE_DOES_NOT_EXIST', 409: 'RESOURCE_CONFLICT', 422: 'INVALID_PARAMETER_VALUE' },
  ...{ 429: 'REQUEST_LIMIT_EXCEEDED', 503: 'TEMPORARILY_UNAVAILABLE' },
}

/** An error in MLflow's words. */
export function wordError(error: MlflowError | FilterError | MillwrightError): MlflowAnswer {
  const { code, message, status } = error instanceof FilterError ? invalid(error.message) : wordsOf(error)
  return { status, body: JSON.stringify({ error_code: code, message }) }
}

function wordsOf(error: MlflowError | MillwrightError): { code: string; message: string; status: number } {
  if (error instanceof MlflowError) return error
  const code = CODES[error.status] ?? (error.status < 500 ? 'BAD_REQUEST' : 'INTERNAL_ERROR')
  return { code, message: sentenceOf(error), status: error.status === 422 ? 400 : error.status }
}

/** What a request says: in its query or its body. @throws MlflowError INVALID_PARAMETER_VALUE when the body is of another type */
export function givenBy(
  { method, query, contentType, body }: Omit<MlflowRequest, 'params'>,
  fields: Fields,
): Record<string, unknown> {
  if (method === 'GET') return fromQuery(new URLSearchParams(query), fields)
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    if (method === 'DELETE' && body.length === 0) return fromQuery(new URLSearchParams(query), fields)
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].")
  }
  return fromJson(body.toString())
}

/** A list is a name that comes again, or once. */
const fromQuery = (query: URLSearchParams, fields: Fields): Record<string, unknown> =>
  Object.fromEntries(
    [...new Set(query.keys())].map((name) => [
      name,
      fields[name]?.isList === true ? query.getAll(name) : query.get(name),
    ]),
  )

/** What is not JSON says nothing; old clients write it twice. */
function fromJson(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown
    const inner = typeof value === 'string' ? (JSON.parse(value) as unknown) : value
    return isObject(inner) ? inner : {}
  } catch {
    return {}
  }
}
