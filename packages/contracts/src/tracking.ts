import { z } from 'zod'

/** What is removed for good: of what was deleted long enough ago. */
export const CollectTracking = z.strictObject({
  /** Only what was deleted before so many seconds. */
  older_than: z.int().min(0).default(0),
  /** Names or ids of the only experiments. */
  experiments: z.array(z.string().min(1)).max(100).optional(),
  /** Say what would go, and remove nothing. */
  dry_run: z.boolean().default(false),
})

export const CollectedTracking = z.object({
  dry_run: z.boolean(),
  ...{ experiments: z.int(), runs: z.int(), logged_models: z.int(), files: z.int(), bytes: z.int() },
  /** Blobs that nothing refers to any longer. Young ones wait: an upload may be about to. */
  ...{ blobs: z.int(), blob_bytes: z.int() },
  /** What was deleted and is needed: by a registered version. */
  kept: z.array(z.object({ what: z.string(), because: z.string() })),
})
export type CollectedTracking = z.infer<typeof CollectedTracking>

const Share = z.object({ files: z.int(), bytes: z.int() })

/** Where the bytes are. */
export const TrackingStorage = z.object({
  files: z.int(),
  bytes: z.int(),
  /** Equal files are stored once. */
  stored_bytes: z.int(),
  /** Blobs that nothing refers to; null: they are in a store that is not listed. */
  unreferenced: Share.nullable(),
  /** Of what was deleted, and would go with gc. */
  deleted: Share,
  experiments: z.array(
    Share.extend({ folder: z.string(), experiment: z.string().nullable(), lifecycle: z.string().nullable() }),
  ),
  /** The biggest runs and logged models. */
  biggest: z.array(Share.extend({ folder: z.string(), name: z.string().nullable() })),
  /** Registered models, by what their versions are made of. */
  models: z.array(z.object({ model: z.string(), versions: z.int(), bytes: z.int() })),
})
export type TrackingStorage = z.infer<typeof TrackingStorage>
