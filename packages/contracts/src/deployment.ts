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
  /** Requests of each key to one gateway; those without a key count as one. */
  ratePerKey: z
    .strictObject({
      perSecond: z.number().positive(),
      /** How many may come at once. */
      burst: z.int().positive(),
    })
    .optional(),
})
export type Limits = z.infer<typeof Limits>

/** Answers are given again to the same rows, asked of the same version for the same outputs. */
export const Cache = z.strictObject({
  /** How long, in seconds. */
  ttl: z.number().positive().max(31_536_000),
  /** Most rows a gateway keeps answers to; the ones asked for longest ago go first. */
  max: z.int().positive(),
})
export type Cache = z.infer<typeof Cache>

const Percent = z.number().min(0).max(100)

/** A candidate beside the version that serves; moved by hand, promoted or aborted. */
export const Rollout = z.strictObject({
  version: z.int().positive(),
  /** Share of units that the candidate answers, in percent. */
  weight: Percent,
  /** Share of requests copied to it without anyone waiting for its answers, in percent. */
  shadow: Percent,
  /** What units are hashed with: another salt divides them anew. */
  salt: z.string().regex(/^[A-Za-z0-9_.-]{1,256}$/, 'expected 1–256 letters, digits, "_", "." or "-"'),
})
export type Rollout = z.infer<typeof Rollout>

/** Where a request says whom it is about, besides `subject`. */
export const Unit = z.strictObject({
  /** Default: x-millwright-unit. */
  header: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')
    .optional(),
  /** Of the row; the model need not know it. */
  column: z.string().min(1).max(256).optional(),
})
export type Unit = z.infer<typeof Unit>

/** A version by its number, or the one an alias points to at any time. */
const Pin = z.union([z.strictObject({ version: z.int().positive() }), z.strictObject({ alias: Name })])

/** Versions of the API that callers see, each with its own version of the model: `/v1/predict`, `/v2/predict` … */
export const Pins = z.record(z.string().regex(/^v[1-9]$/, 'expected v1 … v9'), Pin)
export type Pins = z.infer<typeof Pins>

/** What a deployment is set to. Changing any of it is a new revision. */
export const DeploymentConfig = z.strictObject({
  version: z.int().positive(),
  rollout: Rollout.optional(),
  unit: Unit.optional(),
  pins: Pins.optional(),
  decision: Decision.optional(),
  respond: Respond.optional(),
  limits: Limits.optional(),
  cache: Cache.optional(),
  /** In no gateway's memory: answers nobody until it is loaded again. */
  unloaded: z.literal(true).optional(),
})
export type DeploymentConfig = z.infer<typeof DeploymentConfig>

export const Revision = z.object({
  revision: z.int(),
  config: DeploymentConfig,
  action: z.enum([
    'deployed',
    'promoted',
    'rolled_back',
    'configured',
    'rolling_out',
    'aborted',
    'unloaded',
    'loaded',
  ]),
  by: z.string(),
  reason: z.string().nullable(),
  at: Timestamp,
  /** Revision whose settings this one restored. */
  restores: z.int().nullable(),
})
export type Revision = z.infer<typeof Revision>

const ServedVersion = z.object({ number: z.int(), label: z.string(), digest: z.string() })

export const Deployment = z.object({
  name: Name,
  model: Name,
  /** Serves the dialects that have no name in their path. */
  default: z.boolean(),
  revision: Revision,
  /** Of the rollout under way, the stable one. */
  version: ServedVersion,
  /** Of the rollout under way. */
  candidate: ServedVersion.nullable(),
  /** By version of the API. */
  pinned: z.record(z.string(), ServedVersion),
  created_at: Timestamp,
})
export type Deployment = z.infer<typeof Deployment>

export const CreateDeployment = z.strictObject({
  name: Name,
  model: Name,
  default: z.boolean().optional(),
  reason: z.string().max(1000).optional(),
  ...DeploymentConfig.omit({ rollout: true, unloaded: true }).shape,
})
export type CreateDeployment = z.infer<typeof CreateDeployment>

/** A change of the served version, of the settings, or of both. */
export const ChangeDeployment = z.strictObject({
  version: z.int().positive().optional(),
  unit: Unit.nullable().optional(),
  pins: Pins.nullable().optional(),
  decision: Decision.nullable().optional(),
  respond: Respond.nullable().optional(),
  limits: Limits.nullable().optional(),
  cache: Cache.nullable().optional(),
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

/** Starts a rollout, or changes the one under way: what is left out stays as it is. */
export const RollOut = z.strictObject({
  /** The candidate; needed to start. */
  version: z.int().positive().optional(),
  weight: Percent.optional(),
  shadow: Percent.optional(),
  /** Default: DEPLOYMENT-VERSION. */
  salt: Rollout.shape.salt.optional(),
  unit: Unit.optional(),
  reason: z.string().max(1000).optional(),
})
export type RollOut = z.infer<typeof RollOut>
