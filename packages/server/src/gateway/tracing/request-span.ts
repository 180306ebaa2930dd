import { MillwrightError } from '@millwright/contracts/errors'
import type { Served } from '../served.ts'
import type { Span } from './span.ts'

const VARIANT = 'x-millwright-variant'
const GRPC_STATUS = 'grpc-status'

/** Which version a request was for. */
export function describeServed(span: Span, { routed, replyHeaders }: Served): void {
  const { attributes } = span
  attributes['millwright.deployment'] = routed.name
  attributes['millwright.model'] = routed.model
  attributes['millwright.version'] = routed.version.label
  attributes['millwright.variant'] = replyHeaders?.[VARIANT] ?? 'stable'
}

type Sent = {
  readonly status: number
  readonly code?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Ends the span of a request with its answer. An error of the caller's is no failure of ours. */
export function endWithAnswer(span: Span, { status, code, headers }: Sent): void {
  const { attributes } = span
  if (attributes['rpc.system'] === undefined) attributes['http.response.status_code'] = status
  else attributes['rpc.grpc.status_code'] = Number(headers?.[GRPC_STATUS] ?? 0)
  if (code !== undefined) attributes['millwright.error'] = code
  if (status >= 500) span.failure = code ?? String(status)
  span.end()
}

export const failureOf = (fault: unknown): string =>
  fault instanceof MillwrightError ? (fault as MillwrightError).code : 'INTERNAL'
