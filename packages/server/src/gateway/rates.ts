import type { Limits } from '@millwright/contracts'
import { MillwrightError } from '@millwright/contracts/errors'

type Rate = NonNullable<Limits['ratePerKey']>
type Bucket = { tokens: number; filledAt: number }

export type Rates = {
  /** Counts a request of a key for a deployment. @throws MillwrightError RATE_LIMITED */
  take(deployment: string, key: string, rate: Rate): void
}

/** Keys times deployments that are remembered; who was not seen for longest begins with a full bucket again. */
const MOST_BUCKETS = 10_000

/**
 * A token bucket per deployment and key: it holds `burst` requests and is filled with `perSecond` of them. Each gateway
 * has its own.
 */
export function createRates(now: () => number = () => performance.now()): Rates {
  const buckets = new Map<string, Bucket>()
  return {
    take(deployment, key, { perSecond, burst }) {
      const id = `${deployment}\n${key}`
      const at = now()
      const { tokens, filledAt } = buckets.get(id) ?? { tokens: burst, filledAt: at }
      const full = Math.min(burst, tokens + ((at - filledAt) / 1000) * perSecond)
      const left = full >= 1 ? full - 1 : full
      // The newest last: those at the front are the first to be forgotten.
      buckets.delete(id)
      buckets.set(id, { tokens: left, filledAt: at })
      if (buckets.size > MOST_BUCKETS) buckets.delete(buckets.keys().next().value!)
      if (full >= 1) return
      const waitSeconds = Math.ceil((1 - full) / perSecond)
      throw new MillwrightError('RATE_LIMITED', { name: deployment, perSecond, burst, waitSeconds })
    },
  }
}
