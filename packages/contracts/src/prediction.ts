import { z } from 'zod'
import { CellValue, FieldValue } from './schema.ts'

const Row = z.record(z.string(), FieldValue)

/** Exactly one of `row`, `rows`, `columns`, or a `key` alone or with a `row`. `ids` and `subjects` go with `rows` and `columns`. */
export const PredictRequest = z.strictObject({
  row: Row.optional(),
  rows: z.array(Row).optional(),
  columns: z.record(z.string(), z.array(FieldValue)).optional(),
  /** Of an answer computed beforehand; with a row, that one is computed when no answer stands ready. */
  key: z.string().min(1).max(128).optional(),
  id: z.string().min(1).max(256).optional(),
  ids: z.array(z.string().min(1).max(256)).optional(),
  subject: z.string().min(1).max(256).optional(),
  subjects: z.array(z.string().min(1).max(256)).optional(),
  /** Methods to answer besides the prediction: predict_proba, predict_log_proba, decision_function … */
  outputs: z.array(z.string()).max(16).optional(),
})
export type PredictRequest = z.infer<typeof PredictRequest>

const PredictionDecision = z.object({
  score: z.number(),
  outcome: z.enum(['positive', 'negative']).optional(),
  band: z.string().optional(),
})

/** The answer to one row. */
export const Prediction = z.object({
  id: z.string(),
  /** Class label, or number of a regressor; a list for multi-output models. */
  prediction: z.union([CellValue, z.array(CellValue)]),
  /** Class → probability. */
  probabilities: z.record(z.string(), z.number()).optional(),
  decision: PredictionDecision.optional(),
  outputs: z.record(z.string(), z.unknown()).optional(),
})
export type Prediction = z.infer<typeof Prediction>

const FailedRow = z.object({
  id: z.string(),
  error: z.object({
    code: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })),
  }),
})

export const PredictAnswer = z.object({
  deployment: z.string(),
  model: z.string(),
  version: z.object({ number: z.int(), label: z.string() }),
  /** One row asked: its prediction. Several: one entry per row, in order; bad rows carry their own error. */
  prediction: Prediction.optional(),
  predictions: z.array(z.union([Prediction, FailedRow])).optional(),
})
export type PredictAnswer = z.infer<typeof PredictAnswer>

/** An answer that was computed before it was asked for; `version` is the one that did. */
export const PrecomputedAnswer = z.object({
  deployment: z.string(),
  model: z.string(),
  version: z.object({ number: z.int(), label: z.string() }),
  prediction: Prediction.omit({ id: true }),
  precomputed: z.object({
    key: z.string(),
    computed_at: z.iso.datetime(),
    /** Would be computed otherwise now … */
    stale: z.boolean(),
    /** … and why. */
    because: z.string().optional(),
  }),
})
export type PrecomputedAnswer = z.infer<typeof PrecomputedAnswer>

/** One logged prediction, as `GET /api/v1/predictions` and `millwright logs` show it. */
export const PredictionRecord = z.object({
  id: z.string(),
  time: z.iso.datetime(),
  deployment: z.string(),
  model: z.string(),
  version: z.int(),
  version_label: z.string(),
  digest: z.string(),
  /** stable, candidate, override, pinned, shadow */
  variant: z.string(),
  /** Share of units that the variant had when this one was assigned to it, in percent; null when nobody was assigned. */
  weight: z.number().nullable(),
  features: z.record(z.string(), z.unknown()),
  outputs: z.record(z.string(), z.unknown()),
  decision: z.record(z.string(), z.unknown()).nullable(),
  latency_us: z.number(),
  subject: z.string().nullable(),
  request_id: z.string(),
})
export type PredictionRecord = z.infer<typeof PredictionRecord>
