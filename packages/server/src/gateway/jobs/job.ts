import type { Exchange } from '../exchange.ts'

/** A request that was accepted to be answered later. */
export type Job = {
  readonly id: string
  readonly deployment: string
  /** As asked, without what made it a job. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly acceptedAt: number
  /** Where its answer is posted. */
  readonly webhook: string | undefined
}

/** What a job was answered. */
export type JobResult = {
  readonly id: string
  readonly deployment: string
  readonly acceptedAt: number
  readonly doneAt: number
  readonly status: number
  readonly type: string
  /** Besides the type: what a binary answer cannot be read without. */
  readonly headers: Readonly<Record<string, string>>
  /** Times it was begun. */
  readonly attempts: number
}

const ASYNC = /(^|&)async=(1|true)(?=&|$)/
const RESPOND_ASYNC = /(^|,)\s*respond-async\s*(,|;|$)/i
const WEBHOOK_HEADER = 'x-millwright-webhook'
/** Who asked, and how the request came and was to be answered: no part of what is asked, or not for the disk. */
const LEFT = new Set([
  ...['authorization', 'x-api-key', 'cookie', 'proxy-authorization'],
  ...['host', 'connection', 'content-length', 'content-encoding', 'transfer-encoding', 'expect', 'te'],
  ...['prefer', 'accept-encoding', 'x-request-timeout-ms', 'x-envoy-expected-rq-timeout-ms', WEBHOOK_HEADER],
])

const queryOf = (url: string): string => url.slice(url.indexOf('?') + 1)

/** `?async=1`, or `Prefer: respond-async` (RFC 7240). */
export function isAsync(exchange: Exchange): boolean {
  const { url } = exchange
  if (url.includes('?') && ASYNC.test(queryOf(url))) return true
  const prefer = exchange.header('prefer')
  return prefer !== undefined && RESPOND_ASYNC.test(prefer)
}

export function jobOf(exchange: Exchange, deployment: string, id: string): Job {
  const { url } = exchange
  const [path, query] = url.includes('?') ? [url.slice(0, url.indexOf('?')), queryOf(url)] : [url, '']
  const rest = query.replace(ASYNC, '').replace(/^&/, '')
  const headers = [...exchange.headers()].filter(([name]) => !LEFT.has(name))
  // What a job does is a part of the request that began it.
  if (exchange.span !== undefined) headers.push(...Object.entries(exchange.span.headers))
  return {
    id,
    deployment,
    url: rest === '' ? path : `${path}?${rest}`,
    headers: Object.fromEntries(headers),
    acceptedAt: Date.now(),
    webhook: exchange.header(WEBHOOK_HEADER),
  }
}
