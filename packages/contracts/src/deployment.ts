import { z } from 'zod'
import { Name, Timestamp } from './names.ts'
import { CellValue } from './schema.ts'

/**
 * A business rule over a model's score, versioned with the deployment.
 * score = probability of `positive` (default: the last class), or the prediction of a regressor, or of `output`.
 * `outcome` is positive when score > threshold; bands are tried in order, the first with score > above wins.
 */
export const Decision = z.strictObject({
  /** Method the score is read from: predict_proba, decision_function, predict … Default: the first the model has. */
  output: z.string().optional(),
  positive: CellValue.optional(),
  threshold: z.number().optional(),
  bands: z
    .array(z.strictObject({ name: z.string(), above: z.number().optional() }))
    .max(32)
    .optional(),
})
export type Decision = z.infer<typeof Decision>

/**
 * The JSON that callers of `/predict` expect. In `body`, `health` and `error`, a string "$path" is replaced by a value:
 * $score, $outcome (0 or 1), $label, $band, $version (label of the version), $model, $deployment, $id, $input.NAME, $error.
 */
export const Respond = z.strictObject({
  body: z.record(z.string(), z.unknown()),
  health: z.record(z.string(), z.unknown()).optional(),
  error: z.record(z.string(), z.unknown()).optional(),
  /** Numeric strings and booleans are taken for numbers, media type is not looked at, as Flask programs do. */
  lenient: z.boolean().optional(),
  /** Message for the first missing field, "$field" replaced: "Missing required field: $field". */
  missing: z.string().optional(),
  /** "python": sorted keys, \\u escapes, 1.0 for whole floats, a newline at the end: what Flask's jsonify writes. */
  style: z.enum(['plain', 'python']).optional(),
})
export type Respond = z.infer<typeof Respond>

export const Limits = z.strictObject({
  bodyBytes: z.int().positive().optional(),
  rows: z.int().positive().optional(),
  /** Requests answered at once by one gateway. */
  concurrency: z.int().positive().optional(),
  /** Longest a request waits for those before it, in milliseconds. */
  waitMs: z.int().nonnegative().optional(),
})
export type Limits = z.infer<typeof Limits>

/** What a deployment is set to. Changing any of it is a new revision. */
export const DeploymentConfig = z.strictObject({
  version: z.int().positive(),
  decision: Decision.optional(),
  respond: Respond.optional(),
  limits: Limits.optional(),
})
export type DeploymentConfig = z.infer<typeof DeploymentConfig>

export const Revision = z.object({
  revision: z.int(),
  config: DeploymentConfig,
  /** deployed, promoted, rolled_back, configured */
  action: z.enum(['deployed', 'promoted', 'rolled_back', 'configured']),
  by: z.string(),
  reason: z.string().nullable(),
  at: Timestamp,
  /** Revision whose settings this one restored. */
  restores: z.int().nullable(),
})
export type Revision = z.infer<typeof Revision>

export const Deployment = z.object({
  name: Name,
  model: Name,
  /** Serves the dialects that have no name in their path. */
  default: z.boolean(),
  revision: Revision,
  version: z.object({ number: z.int(), label: z.string(), digest: z.string() }),
  created_at: Timestamp,
})
export type Deployment = z.infer<typeof Deployment>

export const CreateDeployment = z.strictObject({
  name: Name,
  model: Name,
  default: z.boolean().optional(),
  reason: z.string().max(1000).optional(),
  ...DeploymentConfig.shape,
})
export type CreateDeployment = z.infer<typeof CreateDeployment>

/** A change of the served version, of the settings, or of both. */
export const ChangeDeployment = z.strictObject({
  version: z.int().positive().optional(),
  decision: Decision.nullable().optional(),
  respond: Respond.nullable().optional(),
  limits: Limits.nullable().optional(),
  default: z.boolean().optional(),
  reason: z.string().max(1000).optional(),
})
export type ChangeDeployment = z.infer<typeof ChangeDeployment>

export const RollBack = z.strictObject({
  /** Revision to restore; default: the one before the current settings. */
  revision: z.int().positive().optional(),
  reason: z.string().max(1000).optional(),
})
export type RollBack = z.infer<typeof RollBack>
