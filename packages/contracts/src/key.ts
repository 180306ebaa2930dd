import { z } from 'zod'
import { Name, Timestamp } from './names.ts'
import { KEY_KINDS, SCOPES } from './scopes.ts'

/** A key without its secret. */
export const ApiKey = z.object({
  id: z.string(),
  /** Whose it is: shown in events. */
  name: Name,
  kind: z.enum(KEY_KINDS),
  scopes: z.array(z.enum(SCOPES)),
  /** The only deployments it is good for; null: all. */
  deployments: z.array(Name).nullable(),
  /** Ids of the only experiments it is good for; null: it names none. */
  experiments: z.array(z.string()).nullable(),
  /** The only registered models it is good for; null: it names none. */
  models: z.array(z.string()).nullable(),
  /** First characters of the secret: enough to know a key that was found somewhere. */
  starts_with: z.string(),
  state: z.enum(['active', 'expired', 'revoked']),
  created_at: Timestamp,
  created_by: z.string(),
  expires_at: Timestamp.nullable(),
  revoked_at: Timestamp.nullable(),
  /** To about a minute; null: never seen by a gateway. */
  last_used_at: Timestamp.nullable(),
  /** Key that this one takes the place of. */
  replaces: z.string().nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

/** A new key. `secret` is shown this once and kept nowhere. */
export const CreatedKey = ApiKey.extend({ secret: z.string() })
export type CreatedKey = z.infer<typeof CreatedKey>

export const CreateKey = z.strictObject({
  name: Name,
  kind: z.enum(KEY_KINDS).default('service'),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  /** Required for, and only for, keys of the kind `deployment`. */
  deployments: z.array(Name).min(1).max(100).optional(),
  /** Ids or names of experiments there are: the key is good for these and for `models`, and nothing else. */
  experiments: z.array(z.string().min(1).max(500)).min(1).max(100).optional(),
  /** Names of registered models, there now or later. */
  models: z.array(z.string().min(1).max(256)).min(1).max(100).optional(),
  /** Default: never; of a personal key in 90 days. */
  expires_at: Timestamp.optional(),
})
export type CreateKey = z.input<typeof CreateKey>

const WEEK_SECONDS = 7 * 86_400

export const RotateKey = z.strictObject({
  /** How long the old secret goes on working, in seconds. */
  overlap_seconds: z.int().min(0).max(WEEK_SECONDS).default(86_400),
})
export type RotateKey = z.input<typeof RotateKey>
