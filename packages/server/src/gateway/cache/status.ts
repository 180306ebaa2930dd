import { AsyncLocalStorage } from 'node:async_hooks'
import type { CacheMetrics, CacheResult } from '../metrics.ts'

/** How often a request found answers, and where. */
type Report = Record<CacheResult, number>

/** Of the request that is being answered: what computes for it need not know of it. */
const report = new AsyncLocalStorage<Report>()

/** Answers a request; `status` then says what it found: the value of Cache-Status (RFC 9211). */
export function withCacheStatus<T>(answer: () => T): { readonly answer: T; readonly status: () => string } {
  const found: Report = { hit: 0, shared: 0, collapsed: 0, miss: 0 }
  return { answer: report.run(found, answer), status: () => statusOf(found) }
}

export function countCacheResult(metrics: CacheMetrics, result: CacheResult): void {
  metrics[result].value += 1
  const own = report.getStore()
  if (own !== undefined) own[result] += 1
}

function statusOf({ hit, shared, collapsed, miss }: Report): string {
  const found = hit + shared
  if (collapsed + miss === 0) return shared > 0 ? 'millwright; hit; detail=shared' : 'millwright; hit'
  if (found > 0) return 'millwright; fwd=partial'
  return miss === 0 ? 'millwright; fwd=miss; collapsed' : 'millwright; fwd=miss'
}
