import { Cache, Decision, Limits, ModelSchema, Respond, Rollout, SCOPES, Unit } from '@millwright/contracts'
import { z } from 'zod'

/**
 * All a gateway needs to route and predict, written by control as one file (`routing.json`, replaced atomically) and
 * read by gateways when the epoch moves and when they start. Programs are blobs, named by digest.
 */
export const RoutedVersion = z.object({
  number: z.int(),
  label: z.string(),
  /** sha256 of the model file. */
  digest: z.string(),
  /** sha256 of the compiled program in the blob store. */
  program: z.string(),
  schema: ModelSchema,
})
export type RoutedVersion = z.infer<typeof RoutedVersion>

/** Answers that stand ready, by key. */
export const RoutedPrecomputed = z.object({
  /** sha256 of the answers and of the index of their keys, in the blob store. */
  answers: z.string(),
  index: z.string(),
  /** What computed them. */
  version: z.object({ number: z.int(), label: z.string() }),
  decision: Decision.nullable(),
  /** Milliseconds since 1970. */
  computed_at: z.int(),
  /** Older than this they are stale, in seconds. */
  max_age: z.number().nullable(),
})
export type RoutedPrecomputed = z.infer<typeof RoutedPrecomputed>

export const RoutedDeployment = z.object({
  name: z.string(),
  model: z.string(),
  revision: z.int(),
  default: z.boolean(),
  version: RoutedVersion,
  decision: Decision.nullable(),
  respond: Respond.nullable(),
  limits: Limits.nullable(),
  /** A candidate beside `version`; absent when no rollout is under way. */
  rollout: Rollout.extend({ version: RoutedVersion }).optional(),
  unit: Unit.optional(),
  cache: Cache.optional(),
  precomputed: RoutedPrecomputed.optional(),
  unloaded: z.literal(true).optional(),
  /** By version of the API; aliases are resolved. */
  pins: z.record(z.string(), RoutedVersion).optional(),
})
export type RoutedDeployment = z.infer<typeof RoutedDeployment>

/** A key that was not revoked. */
export const RoutedKey = z.object({
  id: z.string(),
  name: z.string(),
  /** sha256 of the secret. */
  hash: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  deployments: z.array(z.string()).nullable(),
  experiments: z.array(z.string()).nullable().default(null),
  models: z.array(z.string()).nullable().default(null),
  /** Milliseconds since 1970; null: never. */
  expires_at: z.int().nullable(),
})
export type RoutedKey = z.infer<typeof RoutedKey>

export const RoutingSnapshot = z.object({
  format: z.literal(1),
  /** Grows by one with every change; a gateway never goes back. */
  epoch: z.int(),
  written_at: z.iso.datetime(),
  deployments: z.array(RoutedDeployment),
  keys: z.array(RoutedKey).default([]),
})
export type RoutingSnapshot = z.infer<typeof RoutingSnapshot>
