import { invalid, MlflowError } from '../tracking/errors.ts'
import { FilterError } from '../tracking/filter/tokens.ts'
import { encode } from './encode.ts'
import { EXPERIMENT_ROUTES } from './experiments.ts'
import { isObject, readMessage } from './fields.ts'
import type { MlflowContext, MlflowRoute } from './route.ts'
import { RUN_ROUTES } from './runs.ts'

export type MlflowRequest = {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: string
  readonly contentType: string | undefined
  readonly body: Buffer
}
export type MlflowAnswer = { readonly status: number; readonly body: string }

export const MLFLOW_ROUTES: readonly MlflowRoute[] = [...EXPERIMENT_ROUTES, ...RUN_ROUTES]

/** The user interface asks for `ajax-api`, clients for `api`. */
const PREFIX = /^\/(?:ajax-)?api\/2\.0\/mlflow\//

/** MLflow's REST protocol: bytes of a request to bytes of an answer. Never rejects for what a caller did. */
export function createMlflowDoor(context: MlflowContext): (request: MlflowRequest) => Promise<MlflowAnswer> {
  const byPath = new Map<string, MlflowRoute[]>()
  for (const route of MLFLOW_ROUTES) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route])

  const answer = async (request: MlflowRequest): Promise<object> => {
    const path = request.path.replace(PREFIX, '')
    const routes = path === request.path ? undefined : byPath.get(path)
    const route = routes?.find(({ methods }) => methods.some((method) => method === request.method))
    if (route === undefined)
      throw new MlflowError('ENDPOINT_NOT_FOUND', `There is no ${request.method} ${request.path}`)
    return route.answer(context, readMessage(route.fields, givenBy(request)) as never)
  }
  return async (request) => {
    try {
      return { status: 200, body: encode(await answer(request)) }
    } catch (error) {
      const fault = error instanceof FilterError ? invalid(error.message) : error
      if (!(fault instanceof MlflowError)) throw fault
      return {
        status: fault.status,
        body: JSON.stringify({ error_code: fault.code, message: fault.message }),
      }
    }
  }
}

/** What a request says: in its query or its body. @throws MlflowError INVALID_PARAMETER_VALUE when the body is of another type */
export function givenBy({
  method,
  query,
  contentType,
  body,
}: Omit<MlflowRequest, 'path'>): Record<string, unknown> {
  if (method === 'GET') return fromQuery(new URLSearchParams(query))
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw invalid("Bad Request. Content-Type must be one of ['application/json'].")
  return fromJson(body.toString())
}

/** A name that comes again is a list. */
function fromQuery(query: URLSearchParams): Record<string, unknown> {
  return Object.fromEntries(
    [...new Set(query.keys())].map((name) => {
      const values = query.getAll(name)
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
}

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
