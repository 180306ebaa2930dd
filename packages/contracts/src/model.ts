import { z } from 'zod'
import { Digest, Name, Timestamp } from './names.ts'
import { ModelParts } from './parts.ts'
import { ReviewAnswer } from './review.ts'
import { FieldValue, ModelSchema } from './schema.ts'

export const VersionState = z.enum(['PENDING', 'READY', 'REFUSED'])
export type VersionState = z.infer<typeof VersionState>

/** Registers uploaded bytes as a version of a model. The same bytes, and the same parts, find the same version. */
export const CreateVersion = z.strictObject({
  /** From PUT /api/v1/uploads. */
  digest: Digest,
  /** Of a model that is kept in several files, or as one entry of a file. */
  parts: ModelParts.optional(),
  /** Name of the file the user gave; shown, and read for a version label (`_v3`). */
  filename: z.string().max(255).optional(),
  label: Name.optional(),
  /** The run that made it, whose metrics, tags and data promotion rules ask for. */
  run_id: z
    .string()
    .regex(/^[A-Za-z0-9][\w-]{0,255}$/, 'expected the id of a run')
    .optional(),
  /** Rows to check the model on, and what the training library answered to them. */
  sample: z
    .strictObject({
      rows: z.array(z.record(z.string(), FieldValue)).max(10_000),
      expected: z.record(z.string(), z.array(z.unknown())).optional(),
    })
    .optional(),
})
export type CreateVersion = z.infer<typeof CreateVersion>

export const ModelVersion = z.object({
  model: Name,
  number: z.int(),
  /** What answers and metrics call it: `v3`. */
  label: z.string(),
  digest: Digest,
  state: VersionState,
  /** Why it was refused, with the path inside the pipeline and what to do. */
  reason: z.string().nullable(),
  filename: z.string().nullable(),
  bytes: z.int(),
  /** What the file is: library, version, steps, globals. */
  report: z.record(z.string(), z.unknown()).nullable(),
  schema: ModelSchema.nullable(),
  /** Method → exactness contract. */
  contract: z.record(z.string(), z.string()).nullable(),
  /** Result of compiled against reference, and of the user's sample, before READY. */
  check: z.record(z.string(), z.unknown()).nullable(),
  /** Where it was registered from, and the run that made it; null: it came by upload. */
  source: z.string().nullable(),
  run_id: z.string().nullable(),
  created_at: Timestamp,
  created_by: z.string(),
})
export type ModelVersion = z.infer<typeof ModelVersion>

/** A version as it is shown alone. */
export const VersionDetail = ModelVersion.extend({
  /** Answers to a reviewer's questions, beside the version before; null when the version cannot serve. */
  review: z.array(ReviewAnswer).nullable(),
})
export type VersionDetail = z.infer<typeof VersionDetail>

export const Model = z.object({
  name: Name,
  versions: z.int(),
  aliases: z.record(z.string(), z.int()),
  created_at: Timestamp,
})
export type Model = z.infer<typeof Model>

export const AliasChange = z.object({
  model: Name,
  alias: Name,
  from: z.int().nullable(),
  to: z.int(),
  by: z.string(),
  reason: z.string().nullable(),
  at: Timestamp,
})
export type AliasChange = z.infer<typeof AliasChange>

export const Upload = z.object({ digest: Digest, bytes: z.int() })
export type Upload = z.infer<typeof Upload>

/** One entry of the append-only log. */
export const Event = z.object({
  id: z.int(),
  at: Timestamp,
  type: z.string(),
  subject: z.string(),
  by: z.string(),
  data: z.record(z.string(), z.unknown()),
})
export type Event = z.infer<typeof Event>
