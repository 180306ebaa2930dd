import { ERRORS, type ErrorSpec } from './error-table.ts'

export { ERRORS }

/** Where in the request something is wrong (JSON pointer) and what was expected. */
export type FieldError = {
  readonly pointer: string
  readonly code: string
  readonly message: string
}

export type ErrorCode = keyof typeof ERRORS
type ParamsOf<C extends ErrorCode> = (typeof ERRORS)[C] extends ErrorSpec<infer P> ? P : never

/** The one error class that crosses domain boundaries. */
export class MillwrightError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'MillwrightError'
  readonly code: C
  readonly params: ParamsOf<C>
  readonly fields: readonly FieldError[] | undefined

  constructor(
    code: C,
    params: ParamsOf<C>,
    details: { fields?: readonly FieldError[]; cause?: unknown } = {},
  ) {
    const spec = ERRORS[code] as unknown as ErrorSpec<ParamsOf<C>>
    super(spec.message(params), details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.params = params
    this.fields = details.fields
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** An error in one sentence: what it says when that names its faults, else the first one, and how many more there are. */
export function sentenceOf({ message, fields = [] }: MillwrightError): string {
  const [first] = fields
  if (first === undefined || message.includes(first.message)) return message
  return fields.length === 1 ? first.message : `${first.message} (and ${fields.length - 1} more)`
}

/** RFC 9457 problem document. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly request_id: string
  readonly retryable: boolean
  readonly errors?: readonly FieldError[]
}

/** The document sent as `application/problem+json`. */
export function problemOf(error: MillwrightError, requestId: string): Problem {
  const spec: ErrorSpec<never> = ERRORS[error.code] as unknown as ErrorSpec<never>
  return {
    type: `/docs/errors#${error.code}`,
    title: spec.title,
    status: spec.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    retryable: spec.retryable ?? false,
    ...(error.fields === undefined ? {} : { errors: error.fields }),
  }
}
