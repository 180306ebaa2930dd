import type {
  AliasChange,
  ApiKey,
  Approval,
  ChangeDeployment,
  CollectedTracking,
  CreateDeployment,
  CreatedKey,
  CreateKey,
  CreatePrecomputed,
  CreateVersion,
  Deployment,
  Event,
  ImportEnd,
  ImportedRow,
  ImportedVersion,
  ImportRow,
  ImportVersion,
  MetricSummary,
  Model,
  ModelSchema,
  ModelVersion,
  Precomputed,
  PrecomputedAnswer,
  PredictAnswer,
  PredictionRecord,
  PredictRequest,
  PromotionCheck,
  PromotionRules,
  Revision,
  RollBack,
  RollOut,
  RotateKey,
  RunDiff,
  SavedSearch,
  SetPromotionRules,
  Status,
  TrackedFile,
  TrackedRun,
  TrackingStorage,
  Upload,
  VersionDetail,
  Webhook,
  WebhookDelivery,
} from '@millwright/contracts'
import { type Bytes, createTransport, type RequestOptions, type Transport } from './transport.ts'

export type ClientOptions = {
  /** Base address, `http://127.0.0.1:7600`. */
  readonly url: string
  /** API key; without one, only servers that ask for none answer. */
  readonly apiKey?: string
  /** Name recorded with every change, where no key is asked for. */
  readonly user?: string
  /** Longest a call waits for its answer, in milliseconds. */
  readonly timeoutMs?: number
}

/** A page of a list; `next` is the address of the following one. */
export type Page<T> = { readonly data: T[]; readonly has_more: boolean; readonly next: string | null }

export type EventQuery = {
  readonly type?: string
  readonly subject?: string
  readonly limit?: number
  readonly cursor?: string
}

export type PredictionQuery = {
  readonly id?: string
  readonly subject?: string
  readonly deployment?: string
  readonly model?: string
  readonly version?: number
  readonly variant?: string
  readonly request_id?: string
  readonly since?: string
  readonly until?: string
  readonly limit?: number
  readonly cursor?: string
}

export type RunQuery = {
  readonly filter?: string
  readonly saved?: string
  readonly experiment?: readonly string[]
  readonly order_by?: readonly string[]
  readonly lifecycle?: 'active' | 'deleted' | 'all'
  readonly limit?: number
  readonly token?: string
}

/** Runs named, or found by a filter; see the API. */
export type TagRequest = {
  readonly runs?: readonly string[]
  readonly filter?: string
  readonly experiments?: readonly string[]
  readonly set?: Readonly<Record<string, string>>
  readonly delete?: readonly string[]
  readonly limit?: number
  readonly dry_run?: boolean
}

/** Typed calls of the HTTP API. Every call throws ClientError. */
export type Client = ReturnType<typeof createClient>

export function createClient(options: ClientOptions) {
  const call = createTransport({ timeoutMs: 60_000, user: undefined, apiKey: undefined, ...options })
  return {
    ...modelCalls(call),
    ...promotionCalls(call),
    ...deploymentCalls(call),
    ...keyCalls(call),
    ...webhookCalls(call),
    ...trackingCalls(call),
    getStatus: (): Promise<Status> => call('GET', '/api/v1/status'),
    listEvents: (query: EventQuery = {}): Promise<Page<Event>> => call('GET', '/api/v1/events', { query }),
    predict: (deployment: string, body: PredictRequest): Promise<PredictAnswer> =>
      call('POST', `/api/v1/deployments/${encodeURIComponent(deployment)}/predict`, { json: body }),
    listPredictions: (query: PredictionQuery): Promise<Page<PredictionRecord>> =>
      call('GET', '/api/v1/predictions', { query }),
  }
}

const modelCalls = (call: Transport) => ({
  /** Streams a file of `bytes` bytes; the server answers with its digest. */
  upload: (body: NonNullable<RequestOptions['body']>, bytes: number): Promise<Upload> =>
    call('PUT', '/api/v1/uploads', { body, bytes }),
  createVersion: (model: string, body: CreateVersion): Promise<ModelVersion> =>
    call('POST', `${modelPath(model)}/versions`, { json: body }),
  listModels: (): Promise<Page<Model>> => call('GET', '/api/v1/models'),
  getModel: (model: string): Promise<Model> => call('GET', modelPath(model)),
  listVersions: (model: string): Promise<Page<ModelVersion>> => call('GET', `${modelPath(model)}/versions`),
  getVersion: (model: string, version: number): Promise<VersionDetail> =>
    call('GET', `${modelPath(model)}/versions/${version}`),
  listAliasChanges: (model: string, alias: string): Promise<Page<AliasChange>> =>
    call('GET', `${modelPath(model)}/aliases/${encodeURIComponent(alias)}/history`),
})

/** What a version must meet before an alias is moved to it. */
const promotionCalls = (call: Transport) => ({
  getRules: (model: string, alias: string): Promise<PromotionRules> => call('GET', rulesPath(model, alias)),
  setRules: (model: string, alias: string, body: SetPromotionRules): Promise<PromotionRules> =>
    call('PUT', rulesPath(model, alias), { json: body }),
  listRules: (model: string, alias: string): Promise<Page<PromotionRules>> =>
    call('GET', `${rulesPath(model, alias)}/history`),
  checkPromotion: (model: string, version: number, alias: string): Promise<PromotionCheck> =>
    call('GET', `${modelPath(model)}/versions/${version}/promotion`, { query: { alias } }),
  approve: (model: string, version: number, body: { reason?: string }): Promise<Approval> =>
    call('POST', `${modelPath(model)}/versions/${version}/approvals`, { json: body }),
})

const deploymentCalls = (call: Transport) => ({
  createDeployment: (body: CreateDeployment): Promise<Deployment> =>
    call('POST', '/api/v1/deployments', { json: body }),
  listDeployments: (): Promise<Page<Deployment>> => call('GET', '/api/v1/deployments'),
  getDeployment: (name: string): Promise<Deployment> => call('GET', deploymentPath(name)),
  getDeploymentSchema: (name: string): Promise<ModelSchema> => call('GET', `${deploymentPath(name)}/schema`),
  /** The compiled program that is served; the headers have its digest and the number of its version. */
  getDeploymentProgram: (name: string): Promise<Bytes> =>
    call('GET', `${deploymentPath(name)}/program`, { raw: true }),
  listRevisions: (name: string): Promise<Page<Revision>> => call('GET', `${deploymentPath(name)}/revisions`),
  changeDeployment: (name: string, body: ChangeDeployment): Promise<Deployment> =>
    call('PATCH', deploymentPath(name), { json: body }),
  promote: (name: string, body: { version?: number; reason?: string; force?: true }): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/promote`, { json: body }),
  rollOut: (name: string, body: RollOut): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/rollout`, { json: body }),
  abort: (name: string, body: { reason?: string }): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/abort`, { json: body }),
  /** Answers keys with an upload of answers. */
  precompute: (name: string, body: CreatePrecomputed): Promise<Precomputed> =>
    call('POST', `${deploymentPath(name)}/precomputed`, { json: body }),
  removePrecomputed: (name: string): Promise<Precomputed> =>
    call('DELETE', `${deploymentPath(name)}/precomputed`),
  getPrecomputed: (name: string, key: string): Promise<PrecomputedAnswer> =>
    call('GET', `${deploymentPath(name)}/precomputed/${encodeURIComponent(key)}`),
  load: (name: string, body: { reason?: string }): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/load`, { json: body }),
  unload: (name: string, body: { reason?: string }): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/unload`, { json: body }),
  rollBack: (name: string, body: RollBack): Promise<Deployment> =>
    call('POST', `${deploymentPath(name)}/rollback`, { json: body }),
})

const keyCalls = (call: Transport) => ({
  createKey: (body: CreateKey): Promise<CreatedKey> => call('POST', '/api/v1/keys', { json: body }),
  listKeys: (query: { cursor?: string; limit?: number } = {}): Promise<Page<ApiKey>> =>
    call('GET', '/api/v1/keys', { query }),
  rotateKey: (id: string, body: RotateKey = {}): Promise<CreatedKey> =>
    call('POST', `/api/v1/keys/${encodeURIComponent(id)}/rotate`, { json: body }),
  revokeKey: (id: string): Promise<ApiKey> => call('POST', `/api/v1/keys/${encodeURIComponent(id)}/revoke`),
})

const trackingCalls = (call: Transport) => ({
  /** Adds rows of another tracking server. */
  importRows: (rows: readonly ImportRow[]): Promise<{ rows: ImportedRow[] }> =>
    call('POST', '/api/v1/tracking/import', { json: { rows } }),
  importVersion: (model: string, version: ImportVersion): Promise<ImportedVersion> =>
    call('POST', `/api/v1/tracking/import/models/${encodeURIComponent(model)}/versions`, { json: version }),
  /** Records an import that ended. */
  endImport: (end: ImportEnd): Promise<ImportEnd> =>
    call('POST', '/api/v1/tracking/import/end', { json: end }),
  listTrackedFiles: (under: string, after?: string): Promise<{ data: TrackedFile[]; has_more: boolean }> =>
    call('GET', '/api/v1/tracking/files', { query: { under, after } }),
  /** Removes for good what was deleted. */
  collectTracking: (body: {
    older_than?: number
    experiments?: string[]
    dry_run?: boolean
  }): Promise<CollectedTracking> => call('POST', '/api/v1/tracking/gc', { json: body }),
  getTrackingStorage: (): Promise<TrackingStorage> => call('GET', '/api/v1/tracking/storage'),
  listRuns: (query: RunQuery): Promise<{ data: TrackedRun[]; next: string | null; columns: string[] }> =>
    call('GET', '/api/v1/tracking/runs', { query }),
  getRun: (run: string): Promise<TrackedRun> => call('GET', runPath(run)),
  diffRuns: (a: string, b: string): Promise<RunDiff> =>
    call('GET', `${runPath(a)}/diff/${encodeURIComponent(b)}`),
  getMetricSummary: (run: string, direction?: 'max' | 'min'): Promise<MetricSummary[]> =>
    call('GET', `${runPath(run)}/metrics/summary`, { query: { direction } }),
  tagRuns: (body: TagRequest): Promise<{ runs: number; dry_run: boolean }> =>
    call('POST', '/api/v1/tracking/tags', { json: body }),
  listSearches: (): Promise<SavedSearch[]> => call('GET', '/api/v1/tracking/searches'),
  saveSearch: (name: string, body: Partial<Omit<SavedSearch, 'name' | 'by' | 'at'>>): Promise<SavedSearch> =>
    call('PUT', `/api/v1/tracking/searches/${encodeURIComponent(name)}`, { json: body }),
  deleteSearch: (name: string): Promise<SavedSearch> =>
    call('DELETE', `/api/v1/tracking/searches/${encodeURIComponent(name)}`),
  putArtifact: (path: string, body: NonNullable<RequestOptions['body']>, bytes: number): Promise<unknown> =>
    call('PUT', `/api/2.0/mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`, {
      ...{ body, bytes },
    }),
})

const runPath = (run: string): string => `/api/v1/tracking/runs/${encodeURIComponent(run)}`
const modelPath = (model: string): string => `/api/v1/models/${encodeURIComponent(model)}`
const rulesPath = (model: string, alias: string): string =>
  `${modelPath(model)}/aliases/${encodeURIComponent(alias)}/rules`
const deploymentPath = (name: string): string => `/api/v1/deployments/${encodeURIComponent(name)}`

const webhookCalls = (call: Transport) => {
  const deliveries = (webhook: string) => `/api/v1/webhooks/${encodeURIComponent(webhook)}/deliveries`
  return {
    listWebhooks: (query: { cursor?: string; limit?: number } = {}): Promise<Page<Webhook>> =>
      call('GET', '/api/v1/webhooks', { query }),
    listDeliveries: (
      webhook: string,
      query: { state?: WebhookDelivery['state']; cursor?: string; limit?: number } = {},
    ): Promise<Page<WebhookDelivery>> => call('GET', deliveries(webhook), { query }),
    replayDelivery: (webhook: string, delivery: string): Promise<WebhookDelivery> =>
      call('POST', `${deliveries(webhook)}/${encodeURIComponent(delivery)}/replay`),
  }
}
