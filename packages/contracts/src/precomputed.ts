import { z } from 'zod'
import { Digest, Timestamp } from './names.ts'

/** Takes answers that were computed before anyone asked for them; they replace those before at once. */
export const CreatePrecomputed = z.strictObject({
  /** An upload of lines `{"key": TEXT, "prediction": {"prediction": …}}`; of equal keys the last counts. */
  upload: Digest,
  /** Of the deployment, whose version and decision gave the answers. */
  revision: z.int().positive(),
  /** Column whose values the keys are. */
  key: z.string().min(1).max(256),
  /** When computing began. Default: now. */
  computed_at: Timestamp.optional(),
  /** Older than this an answer is stale, in seconds. */
  max_age: z.number().positive().optional(),
})
export type CreatePrecomputed = z.infer<typeof CreatePrecomputed>

export const Precomputed = z.object({
  /** Counts the times they were replaced. */
  generation: z.int(),
  revision: z.int(),
  version: z.object({ number: z.int(), label: z.string() }),
  key: z.string(),
  /** Keys with an answer. */
  keys: z.int(),
  /** Lines whose key came again later. */
  replaced: z.int(),
  computed_at: Timestamp,
  max_age: z.number().nullable(),
  by: z.string(),
})
export type Precomputed = z.infer<typeof Precomputed>
