/** Status of each error code of MLflow's protocol. */
export const STATUS_OF = {
  INTERNAL_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
  REQUEST_LIMIT_EXCEEDED: 429,
  RESOURCE_CONFLICT: 409,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401,
  /** 400, not 409: clients that register a model depend on it. */
  RESOURCE_ALREADY_EXISTS: 400,
  INVALID_PARAMETER_VALUE: 400,
  BAD_REQUEST: 400,
} as const

export type ErrorCode = keyof typeof STATUS_OF

/** An answer to MLflow's clients; the message is for whoever called. */
export class MlflowError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    return STATUS_OF[this.code]
  }
}

export const invalid = (message: string): MlflowError => new MlflowError('INVALID_PARAMETER_VALUE', message)

const SEE_DOCS = 'See the API docs for more information about request parameters.'

export const missing = (name: string): MlflowError =>
  invalid(`Missing value for required parameter '${name}'. ${SEE_DOCS}`)

export const wrongValue = (name: string, value: unknown): MlflowError =>
  invalid(
    `Invalid value ${shown(value)} for parameter '${name}' supplied:  Hint: Value was of type '${typeOf(value)}'. ${SEE_DOCS}`,
  )

/** Of a value, as much is shown. */
const SHOWN = 200

/** A value that is nested too deep to be written is not shown. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return '…'
  }
}

const shown = (value: unknown): string => {
  const text = textOf(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}

/** As Python, which wrote it, calls it. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return { string: 'str', boolean: 'bool' }[typeof value as string] ?? 'dict'
}
