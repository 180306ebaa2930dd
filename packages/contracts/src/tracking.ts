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
  /** What was deleted and is needed by a registered version, and a store of objects that another database has files in. */
  kept: z.array(z.object({ what: z.string(), because: z.string() })),
})
export type CollectedTracking = z.infer<typeof CollectedTracking>

const Share = z.object({ files: z.int(), bytes: z.int() })

/** Where the bytes are. */
export const TrackingStorage = z.object({
  /** The store of objects that files of runs and models are in, `s3://bucket/prefix`; null: they are in the data folder. */
  store: z.string().nullable(),
  files: z.int(),
  bytes: z.int(),
  /** Equal files are stored once. */
  stored_bytes: z.int(),
  /** Blobs that nothing refers to; null: another database has files in the same store, and what it refers to is not known. */
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

const Pairs = z.record(z.string(), z.string())
/** What JSON has no number for is written as MLflow's protocol does. */
const MetricNumber = z.union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])])

export const TrackedRun = z.object({
  run_id: z.string(),
  name: z.string(),
  experiment: z.string(),
  user: z.string(),
  status: z.string(),
  lifecycle: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  /** The latest of each. */
  metrics: z.record(z.string(), MetricNumber),
  params: Pairs,
  tags: Pairs,
  datasets: z.array(z.object({ name: z.string(), digest: z.string(), context: z.string().nullable() })),
  models: z.array(z.string()),
})
export type TrackedRun = z.infer<typeof TrackedRun>

/** What two runs have of something; null: nothing. */
const Sides = z.object({ name: z.string(), a: z.string().nullable(), b: z.string().nullable() })

/** What changed between two runs. What is equal is only counted; metrics stand beside each other. */
export const RunDiff = z.object({
  a: z.object({ run_id: z.string(), name: z.string() }),
  b: z.object({ run_id: z.string(), name: z.string() }),
  params: z.array(Sides),
  /** By name and context; the sides are digests. */
  datasets: z.array(Sides),
  /** Commit, source, entry point. */
  code: z.array(Sides),
  /** Of the files that were captured with the runs' models: requirements.txt, conda.yaml, python_env.yaml, lock files. */
  packages: z.array(Sides),
  metrics: z.array(
    z.object({
      name: z.string(),
      a: MetricNumber.nullable(),
      b: MetricNumber.nullable(),
      change: z.number().nullable(),
    }),
  ),
  same: z.object({ params: z.int(), datasets: z.int(), code: z.int(), packages: z.int() }),
})
export type RunDiff = z.infer<typeof RunDiff>

export const MetricSeries = z.object({
  key: z.string(),
  /** By step: at most as many as asked for, with the lowest and highest of each stretch. */
  points: z.array(z.object({ step: z.int(), timestamp: z.int(), value: MetricNumber })),
})

export const MetricSummary = z.object({
  key: z.string(),
  count: z.int(),
  last: MetricNumber,
  /** NaN is neither; null: there is nothing else. */
  min: MetricNumber.nullable(),
  max: MetricNumber.nullable(),
  /** The one of them that the direction names, and the first step that had it. */
  best: z.object({ value: MetricNumber, step: z.int() }).nullable(),
})
export type MetricSummary = z.infer<typeof MetricSummary>

const SEARCHED = ['runs', 'experiments', 'models', 'versions', 'logged_models'] as const

export const SaveSearch = z.strictObject({
  entity: z.enum(SEARCHED).default('runs'),
  /** In the grammar of MLflow's searches. */
  filter: z.string().max(10_000).default(''),
  order_by: z.array(z.string()).max(20).default([]),
  /** Names or ids; none: all. */
  experiments: z.array(z.string()).max(100).default([]),
  /** What is shown: `metrics.auc`, `params.depth`, `tags.team`, `status` … */
  columns: z.array(z.string()).max(50).default([]),
})
export const SavedSearch = SaveSearch.extend({ name: z.string(), by: z.string(), at: z.string() })
export type SavedSearch = z.infer<typeof SavedSearch>

export const TagRuns = z.strictObject({
  /** Ids, or … */
  runs: z.array(z.string()).min(1).max(10_000).optional(),
  /** … what is looked for, in experiments by name or id; none: all. */
  filter: z.string().max(10_000).optional(),
  experiments: z.array(z.string()).max(100).default([]),
  set: Pairs.default({}),
  delete: z.array(z.string()).max(100).default([]),
  /** Where there are more runs, none is changed. */
  limit: z.int().min(1).max(10_000).default(1000),
  dry_run: z.boolean().default(false),
})
export const TaggedRuns = z.object({ runs: z.int(), dry_run: z.boolean() })
