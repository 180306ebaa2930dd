import type { Exchange } from '../exchange.ts'

/** A request that was accepted to be answered later. */
export type Job = {
  readonly id: string
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
  readonly acceptedAt: number
  readonly doneAt: number
  readonly status: number
  readonly type: string
  /** Times it was begun. */
  readonly attempts: number
}

const ASYNC = /(^|&)async=(1|true)(?=&|$)/
const RESPOND_ASYNC = /(^|,)\s*respond-async\s*(,|;|$)/i
const WEBHOOK_HEADER = 'x-millwright-webhook'
/** Headers that say how a body is to be read. */
const KEPT = ['content-type', 'accept', 'inference-header-content-length', 'x-millwright-variant']

const queryOf = (url: string): string => url.slice(url.indexOf('?') + 1)

/** `?async=1`, or `Prefer: respond-async` (RFC 7240). */
export function isAsync(exchange: Exchange): boolean {
  const { url } = exchange
  if (url.includes('?') && ASYNC.test(queryOf(url))) return true
  const prefer = exchange.header('prefer')
  return prefer !== undefined && RESPOND_ASYNC.test(prefer)
}

export function jobOf(exchange: Exchange, id: string): Job {
  const { url } = exchange
  const [path, query] = url.includes('?') ? [url.slice(0, url.indexOf('?')), queryOf(url)] : [url, '']
  const rest = query.replace(ASYNC, '').replace(/^&/, '')
  const headers = KEPT.flatMap((name): [string, string][] => {
    const value = exchange.header(name)
    return value === undefined ? [] : [[name, value]]
  })
  return {
    id,
    url: rest === '' ? path : `${path}?${rest}`,
    headers: Object.fromEntries(headers),
    acceptedAt: Date.now(),
    webhook: exchange.header(WEBHOOK_HEADER),
  }
}
