import type { KeyKind, Revision } from '@millwright/contracts'
import type { Generated } from 'kysely'

/**
 * Rows as they are stored. Times are milliseconds since 1970, structures are JSON text, booleans are 0 and 1: all
 * of it means the same in both databases.
 */
export type Tables = {
  models: {
    name: string
    created_at: number
    description: string | null
    updated_at: number | null
    /** Numbers up to this one are not given: the model had them where it was imported from. */
    last_number: Generated<number | null>
  }
  versions: {
    model: string
    number: number
    label: string
    /** sha256 of the model file (or of `parts`), of the compiled program and of the user's sample: names of blobs. */
    digest: string
    program: string | null
    sample: string | null
    /** Manifest of a model of several files. */
    parts: string | null
    state: 'PENDING' | 'READY' | 'REFUSED'
    reason: string | null
    filename: string | null
    bytes: number
    report: string | null
    schema: string | null
    contract: string | null
    check_result: string | null
    /** How often reading the file was begun. */
    attempts: number
    created_at: number
    created_by: string
    /** Where MLflow's clients registered it from, and where its files are; null: it came by upload. */
    source: string | null
    storage: string | null
    run_id: string | null
    model_id: string | null
    run_link: string | null
    description: string | null
    stage: string | null
    updated_at: number | null
    /** Set: it is gone for everybody; its number stays taken. */
    deleted_at: number | null
  }
  model_tags: { model: string; key: string; value: string }
  version_tags: { model: string; number: number; key: string; value: string }
  aliases: { model: string; alias: string; version: number }
  alias_changes: {
    id: Generated<number>
    model: string
    alias: string
    from_version: number | null
    to_version: number
    changed_by: string
    reason: string | null
    changed_at: number
  }
  promotion_rules: {
    model: string
    alias: string
    revision: number
    rules: string
    changed_by: string
    reason: string | null
    changed_at: number
  }
  approvals: {
    model: string
    version: number
    approved_by: string
    reason: string | null
    approved_at: number
  }
  deployments: { name: string; model: string; is_default: number; created_at: number }
  deployment_revisions: {
    deployment: string
    revision: number
    version: number
    /** The rest of the configuration: decision, respond, limits, cache, rollout, unit, pins. */
    settings: string
    action: Revision['action']
    changed_by: string
    reason: string | null
    changed_at: number
    restores: number | null
  }
  api_keys: {
    id: string
    name: string
    kind: KeyKind
    /** sha256 of the secret, which is kept nowhere. */
    hash: string
    starts_with: string
    scopes: string
    deployments: string | null
    experiments: string | null
    models: string | null
    created_at: number
    created_by: string
    expires_at: number | null
    revoked_at: number | null
    last_used_at: number | null
    /** Key that this one takes the place of. */
    replaces: string | null
  }
  precomputed: {
    deployment: string
    generation: number
    revision: number
    version: number
    version_label: string
    decision: string | null
    /** Column whose values the keys are. */
    key_column: string
    /** sha256 of the answers and of the index of their keys: names of blobs. */
    answers: string
    key_index: string
    keys: number
    replaced: number
    computed_at: number
    /** In seconds. */
    max_age: number | null
    created_by: string
  }
  events: {
    id: Generated<number>
    at: number
    type: string
    subject: string
    by_whom: string
    data: string
  }
  routing: { id: number; epoch: number }
  /** `events`: JSON, a list of names such as `model_version.created`. */
  webhooks: {
    id: string
    name: string
    description: string
    url: string
    events: string
    secret: string
    status: 'ACTIVE' | 'DISABLED'
    created_at: number
    updated_at: number
  }
  webhook_deliveries: {
    id: Generated<number>
    /** Told to the receiver: the same each time it is sent. */
    delivery: string
    webhook: string
    event: string
    body: string
    state: 'WAITING' | 'DELIVERED' | 'DEAD'
    attempts: number
    /** When it is sent next. */
    due_at: number
    created_at: number
    done_at: number | null
    response_status: number | null
    error: string | null
  }
  experiments: {
    id: number
    name: string
    artifact_location: string
    lifecycle: Lifecycle
    created_at: number
    updated_at: number
  }
  experiment_tags: { experiment: number; key: string; value: string }
  runs: {
    id: Generated<number>
    run_id: string
    experiment: number
    name: string
    user_id: string
    status: RunStatus
    start_time: number
    end_time: number | null
    lifecycle: Lifecycle
    deleted_at: number | null
    artifact_uri: string
  }
  run_tags: { run: number; key: string; value: string }
  params: { run: number; key: string; value: string }
  metric_keys: { id: Generated<number>; name: string }
  metrics: MetricRow
  latest_metrics: MetricRow
  datasets: {
    id: Generated<number>
    experiment: number
    name: string
    digest: string
    source_type: string
    source: string
    schema: string | null
    profile: string | null
  }
  /** `tags`: JSON, a list; `context`: the value of `mlflow.data.context` among them. */
  run_datasets: { run: number; dataset: number; context: string | null; tags: string }
  run_models: { run: number; model_id: string; role: 'input' | 'output'; step: number }
  logged_models: {
    id: Generated<number>
    model_id: string
    experiment: number
    name: string
    artifact_uri: string
    status: LoggedModelStatus
    status_message: string | null
    model_type: string
    source_run_id: string | null
    created_at: number
    updated_at: number
    deleted_at: number | null
  }
  logged_model_params: { logged_model: number; key: string; value: string }
  logged_model_tags: { logged_model: number; key: string; value: string }
  /** The latest of each; what is not about a dataset has an empty name and digest. */
  logged_model_metrics: {
    logged_model: number
    key: string
    dataset_name: string
    dataset_digest: string
    run_id: string
    value: number
    is_nan: number
    step: number
    timestamp: number
  }
  migration_readers: { migration: string; readable_from: string }
  /** `search`: JSON of what is looked for. */
  saved_searches: { name: string; search: string; changed_by: string; changed_at: number }
  /** One row. */
  identity: { only: number; id: string }
  /** Folders, in a store of objects, of runs and logged models (`name`: its id) that are no more; their files are still to go. */
  purged_files: { name: string; uri: string }
  /** Files of runs and models; `digest` names their blob. */
  artifacts: { path: string; digest: string; bytes: number; created_at: number }
}

export type LoggedModelStatus = 'LOGGED_MODEL_PENDING' | 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED'

export type Lifecycle = 'active' | 'deleted'
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

/** `is_nan`: `value` is 0 and stands for NaN. */
type MetricRow = {
  run: number
  key: number
  value: number
  is_nan: number
  step: number
  timestamp: number
}
