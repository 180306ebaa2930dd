import type { RoutedKey } from '../routing/snapshot.ts'
import { type Asker, readSecret, sentIn } from './credential.ts'
import type { Grant } from './permission.ts'
import { hashOf } from './secret.ts'

/** The keys a gateway knows at one epoch. Replaced as a whole, never changed: a revoked key is not in the next one. */
export type KeyRing = {
  /** The key a request was sent with, if it is good now. */
  find(asker: Asker): Grant | undefined
}

/** When keys were last seen, `Date.now()` by id. */
export type KeyUses = Map<string, number>

type Known = Grant & { readonly expiresAt: number; notedAt: number }

/** Headers that were found good are kept, so that callers cost no hash per request. */
const KEPT_HEADERS = 1024
/** How exactly the last use of a key is known, in milliseconds. */
const USE_STEP_MS = 60_000

/**
 * Keys are found by the SHA-256 of what was sent: how long that takes says nothing of any secret. Only a header that was
 * good once is compared as it is.
 */
export function createKeyRing(keys: readonly RoutedKey[], uses: KeyUses): KeyRing {
  const byHash = new Map(keys.map((key) => [key.hash, knownOf(key)]))
  const good = new Map<string, Known>()
  const recognise = (sent: string): Known | undefined => {
    const secret = readSecret(sent)
    const known = secret === undefined ? undefined : byHash.get(hashOf(secret))
    if (known === undefined) return undefined
    if (good.size >= KEPT_HEADERS) good.clear()
    good.set(sent, known)
    return known
  }
  return {
    find(asker) {
      for (const sent of sentIn(asker)) {
        const known = good.get(sent) ?? recognise(sent)
        if (known === undefined) continue
        const now = Date.now()
        if (now >= known.expiresAt) continue
        if (now - known.notedAt > USE_STEP_MS) {
          known.notedAt = now
          uses.set(known.id, now)
        }
        return known
      }
      return undefined
    },
  }
}

// A snapshot of before keys named experiments and models has neither.
const knownOf = ({ id, name, scopes, deployments, experiments, models, expires_at }: RoutedKey): Known => ({
  ...{ id, name, scopes, deployments, experiments: experiments ?? null, models: models ?? null },
  expiresAt: expires_at ?? Number.POSITIVE_INFINITY,
  notedAt: 0,
})
