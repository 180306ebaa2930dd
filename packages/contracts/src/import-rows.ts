import { z } from 'zod'

/** Milliseconds since 1970. */
const time = z.int().min(0)
const Tag = z.object({ key: z.string(), value: z.string() })
const tags = z.array(Tag).max(10_000).default([])
/** What JSON has no number for is written as MLflow's protocol does. */
const MetricValue = z.union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])])
const runId = z.string().min(1).max(256)

const ImportedExperiment = z.object({
  type: z.literal('experiment'),
  name: z.string().min(1),
  lifecycle: z.enum(['active', 'deleted']),
  created_at: time,
  updated_at: time,
  tags,
})

const ImportedRun = z.object({
  type: z.literal('run'),
  run_id: runId,
  /** Of the experiment, here. */
  experiment_id: z.string(),
  name: z.string(),
  user_id: z.string(),
  status: z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']),
  start_time: time,
  end_time: time.nullable(),
  lifecycle: z.enum(['active', 'deleted']),
  deleted_at: time.nullable(),
  tags,
  params: tags,
  datasets: z
    .array(
      z.object({
        dataset: z.object({
          ...{ name: z.string(), digest: z.string(), source_type: z.string(), source: z.string() },
          ...{ schema: z.string().nullish(), profile: z.string().nullish() },
        }),
        tags,
      }),
    )
    .default([]),
  models_in: z.array(z.object({ model_id: z.string(), step: z.int() })).default([]),
  models_out: z.array(z.object({ model_id: z.string(), step: z.int() })).default([]),
})

/** A stretch of the history of metrics: key, value, timestamp, step. */
const ImportedMetrics = z.object({
  type: z.literal('metrics'),
  run_id: runId,
  metrics: z.array(z.tuple([z.string(), MetricValue, time, z.int()])).max(10_000),
})

/** All of a run is there: it gets the status it ended with. */
const ImportedEnd = ImportedRun.pick({ run_id: true, status: true, end_time: true }).extend({
  type: z.literal('end'),
})

const ImportedLoggedModel = z.object({
  type: z.literal('logged_model'),
  model_id: z.string().regex(/^m-[0-9a-f]{1,64}$/, 'expected m- and hexadecimal digits'),
  experiment_id: z.string(),
  name: z.string(),
  model_type: z.string(),
  status: z.enum(['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED']),
  status_message: z.string().nullable(),
  source_run_id: z.string().nullable(),
  created_at: time,
  updated_at: time,
  tags,
  params: tags,
  metrics: z
    .array(
      z.object({
        ...{ key: z.string(), value: MetricValue, timestamp: time, step: z.int(), run_id: runId },
        ...{ dataset_name: z.string().nullish(), dataset_digest: z.string().nullish() },
      }),
    )
    .default([]),
})

/** Leaves numbers enough for versions to come. */
export const MOST_LAST_NUMBER = 1_000_000_000

const ImportedModel = z.object({
  type: z.literal('registered_model'),
  name: z.string().min(1).max(256),
  description: z.string().nullable(),
  created_at: time,
  updated_at: time,
  tags,
  /** The largest number that a version had there, deleted ones among them: versions made here have larger ones. */
  last_number: z.int().min(0).max(MOST_LAST_NUMBER).default(0),
})

const ImportedAlias = z.object({
  type: z.literal('alias'),
  ...{ model: z.string(), alias: z.string(), version: z.int().positive() },
})

/** A row of another tracking server, with the ids and times it has there. */
export const ImportRow = z.discriminatedUnion('type', [
  ...[ImportedExperiment, ImportedRun, ImportedMetrics, ImportedEnd],
  ...[ImportedLoggedModel, ImportedModel, ImportedAlias],
] as const)
export type ImportRow = z.infer<typeof ImportRow>

export const ImportRows = z.strictObject({ rows: z.array(ImportRow).min(1).max(1000) })

/** What is here of a row: of a run, as much of it as arrived. */
export const ImportedRow = z.object({
  /** Here; of an experiment it may be another than where it comes from. */
  id: z.string(),
  /** A run that ended, with all that it had. */
  complete: z.boolean(),
  metrics: z.int(),
  params: z.int(),
  tags: z.int(),
  /** Where files of a run or a logged model are kept; null: not by this server. */
  folder: z.string().nullable(),
  /** The version that an alias points to, which stays as it is. */
  version: z.int().nullable(),
})
export type ImportedRow = z.infer<typeof ImportedRow>
export const ImportedRows = z.object({ rows: z.array(ImportedRow) })

/** A version with the number it has elsewhere. */
export const ImportVersion = z.strictObject({
  number: z.int().positive(),
  /** As its clients are told. */
  source: z.string(),
  /** Where its files are here: `models:/m-…` or `runs:/…`. */
  files: z.string().nullable(),
  run_id: z.string().nullable(),
  model_id: z.string().nullable(),
  run_link: z.string(),
  description: z.string(),
  user_id: z.string(),
  stage: z.enum(['None', 'Staging', 'Production', 'Archived']),
  created_at: time,
  updated_at: time,
  tags,
})
export type ImportVersion = z.infer<typeof ImportVersion>

/** A version that is here, and why it cannot be served when it cannot. */
export const ImportedVersion = z.object({
  ...{ model: z.string(), number: z.int(), created: z.boolean() },
  ...{ state: z.enum(['PENDING', 'READY', 'REFUSED']), reason: z.string().nullable() },
})
export type ImportedVersion = z.infer<typeof ImportedVersion>

/** What is counted when something is moved, in this order. */
export const MOVED = [
  ...(['experiments', 'runs', 'metrics', 'params', 'tags', 'logged models', 'models'] as const),
  ...(['versions', 'aliases', 'files', 'bytes'] as const),
] as const

const count = z.int().min(0)

/** An import that ended. */
export const ImportEnd = z.strictObject({
  /** Address or path. */
  source: z.string().min(1).max(4096),
  counts: z.record(z.enum(MOVED), z.strictObject({ source: count, here: count })),
  /** Runs that were here whole. */
  skipped_runs: count,
  /** How many things differ in the end. */
  differences: count,
})
export type ImportEnd = z.infer<typeof ImportEnd>

/** A file of a run or a model. */
export const TrackedFile = z.object({ path: z.string(), bytes: z.int(), digest: z.string() })
export type TrackedFile = z.infer<typeof TrackedFile>
