import { type ApiKey, type KeyKind, KIND_TABLE, type Scope } from '@millwright/contracts'
import type { Bounds } from '../access/permission.ts'
import { createSecret, hashOf, randomText } from '../access/secret.ts'
import type { RoutedKey } from '../routing/snapshot.ts'

/** A key as it is kept; times are milliseconds since 1970. */
export type StoredKey = Bounds & {
  readonly id: string
  readonly name: string
  readonly kind: KeyKind
  readonly hash: string
  readonly startsWith: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly lastUsedAt: number | null
  readonly replaces: string | null
}

const ID_CHARACTERS = 8
/** Of the secret, shown in lists: the prefix and four characters more. */
const SHOWN_CHARACTERS = 8

export const subjectOf = (id: string): string => `keys/${id}`

type NewKey = Omit<StoredKey, 'id' | 'hash' | 'startsWith' | 'revokedAt' | 'lastUsedAt'>

/** A key and its secret, which nobody keeps. */
export function buildKey(parts: NewKey): { readonly key: StoredKey; readonly secret: string } {
  const secret = createSecret(KIND_TABLE[parts.kind].prefix)
  const id = `key_${randomText(ID_CHARACTERS)}`
  const startsWith = secret.slice(0, SHOWN_CHARACTERS)
  const key = { ...parts, id, hash: hashOf(secret), startsWith, revokedAt: null, lastUsedAt: null }
  return { key, secret }
}

export function stateOf(
  { revokedAt, expiresAt }: Pick<StoredKey, 'revokedAt' | 'expiresAt'>,
  now: number,
): ApiKey['state'] {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active'
}

const listsOf = ({ deployments, experiments, models }: Bounds) => ({
  deployments: deployments && [...deployments],
  experiments: experiments && [...experiments],
  models: models && [...models],
})

export const routeKey = (key: StoredKey): RoutedKey => ({
  ...{ id: key.id, name: key.name, hash: key.hash, expires_at: key.expiresAt },
  scopes: [...key.scopes],
  ...listsOf(key),
})

const timeOf = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())

export const answerKey = (key: StoredKey, now: number): ApiKey => ({
  id: key.id,
  name: key.name,
  kind: key.kind,
  scopes: [...key.scopes],
  ...listsOf(key),
  starts_with: key.startsWith,
  state: stateOf(key, now),
  created_at: new Date(key.createdAt).toISOString(),
  created_by: key.createdBy,
  expires_at: timeOf(key.expiresAt),
  revoked_at: timeOf(key.revokedAt),
  last_used_at: timeOf(key.lastUsedAt),
  replaces: key.replaces,
})
