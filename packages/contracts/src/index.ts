export {
  Cache,
  ChangeDeployment,
  CreateDeployment,
  Decision,
  Deployment,
  DeploymentConfig,
  Limits,
  Pins,
  Respond,
  Revision,
  RollBack,
  RollOut,
  Rollout,
  Unit,
} from './deployment.ts'
export { DeploymentFile, type Step } from './deployment-file.ts'
export {
  ERRORS,
  type ErrorCode,
  type FieldError,
  MillwrightError,
  type Problem,
  problemOf,
} from './errors.ts'
export {
  ImportEnd,
  ImportedRow,
  ImportedRows,
  ImportedVersion,
  ImportRow,
  ImportRows,
  ImportVersion,
  MOST_LAST_NUMBER,
  MOVED,
  TrackedFile,
} from './import-rows.ts'
export { ApiKey, CreatedKey, CreateKey, RotateKey } from './key.ts'
export {
  AliasChange,
  CreateVersion,
  Event,
  Model,
  ModelVersion,
  Upload,
  VersionDetail,
  VersionState,
} from './model.ts'
export { Digest, Name } from './names.ts'
export { ModelParts, manifestOf, PartsManifest } from './parts.ts'
export { CreatePrecomputed, Precomputed } from './precomputed.ts'
export {
  PrecomputedAnswer,
  PredictAnswer,
  Prediction,
  PredictionRecord,
  PredictRequest,
} from './prediction.ts'
export {
  Approval,
  Approve,
  PromotionCheck,
  PromotionRule,
  PromotionRules,
  RuleResult,
  SetPromotionRules,
} from './promotion.ts'
export { ReviewAnswer } from './review.ts'
export { parseRule, printRule } from './rule-text.ts'
export { CellValue, FieldValue, ModelSchema, SchemaColumn } from './schema.ts'
export {
  KEY_KINDS,
  type KeyKind,
  KIND_TABLE,
  type Permission,
  SCOPE_TABLE,
  SCOPES,
  type Scope,
} from './scopes.ts'
export { Status } from './status.ts'
export {
  CollectedTracking,
  CollectTracking,
  MetricSeries,
  MetricSummary,
  RunDiff,
  SavedSearch,
  SaveSearch,
  TaggedRuns,
  TagRuns,
  TrackedRun,
  TrackingStorage,
} from './tracking.ts'
export { DELIVERY_STATES, Webhook, WebhookDelivery } from './webhook.ts'
