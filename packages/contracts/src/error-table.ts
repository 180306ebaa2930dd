export type ErrorSpec<P> = {
  readonly status: number
  /** Constant per code. */
  readonly title: string
  /** What, where, what to do next. */
  readonly message: (params: P) => string
  /** The same request may succeed later without a change. */
  readonly retryable?: true
}

const define = <P = Record<string, never>>(spec: ErrorSpec<P>): ErrorSpec<P> => spec

/** Every error a user can meet. `docs/errors.md` explains each; a test holds the two together. */
export const ERRORS = {
  MODEL_NOT_FOUND: define<{ name: string }>({
    status: 404,
    title: 'Model not found',
    message: (p) => `there is no model "${p.name}"; list them with GET /api/v1/models`,
  }),
  VERSION_NOT_FOUND: define<{ name: string; version: number }>({
    status: 404,
    title: 'Version not found',
    message: (p) =>
      `model "${p.name}" has no version ${p.version}; list them with GET /api/v1/models/${p.name}/versions`,
  }),
  VERSION_NOT_READY: define<{ name: string; version: number; state: string; reason: string | null }>({
    status: 409,
    title: 'Version not ready',
    message: (p) =>
      p.state === 'REFUSED'
        ? `model "${p.name}" version ${p.version} was refused (${p.reason}); deploy another file`
        : `model "${p.name}" version ${p.version} is ${p.state}; wait for READY before promoting it`,
  }),
  PROMOTION_REFUSED: define<{ model: string; version: number; alias: string; reasons: string }>({
    status: 409,
    title: 'Promotion refused',
    message: (p) =>
      `${p.model}@${p.version} may not become ${p.alias}: ${p.reasons}; see millwright rules show ${p.model}`,
  }),
  MODEL_REFUSED: define<{ reason: string }>({
    status: 422,
    title: 'Model refused',
    message: (p) => p.reason,
  }),
  DEPLOYMENT_NOT_FOUND: define<{ name: string }>({
    status: 404,
    title: 'Deployment not found',
    message: (p) => `there is no deployment "${p.name}"; list them with GET /api/v1/deployments`,
  }),
  DEPLOYMENT_NOT_READY: define<{ name: string }>({
    status: 503,
    title: 'Deployment not ready',
    message: (p) =>
      `the model of deployment "${p.name}" is being loaded, or cannot be, which the server's log explains; send the request again`,
    retryable: true,
  }),
  DEPLOYMENT_UNLOADED: define<{ name: string }>({
    status: 404,
    title: 'Deployment unloaded',
    message: (p) => `deployment "${p.name}" is unloaded; load it with millwright load ${p.name}`,
  }),
  VERSION_NOT_SERVED: define<{ name: string; version: string; served: string }>({
    status: 404,
    title: 'Version not served',
    message: (p) => `deployment "${p.name}" does not serve version "${p.version}"; it serves ${p.served}`,
  }),
  PIN_NOT_FOUND: define<{ name: string; pin: string; pins: string }>({
    status: 404,
    title: 'API version not found',
    message: (p) =>
      `deployment "${p.name}" has no API version ${p.pin}; it has ${p.pins}; set it with PATCH /api/v1/deployments/${p.name} {"pins": …}`,
  }),
  NO_ROLLOUT: define<{ name: string }>({
    status: 409,
    title: 'No rollout',
    message: (p) =>
      `deployment "${p.name}" has no rollout under way; name a version, or start one with POST /api/v1/deployments/${p.name}/rollout`,
  }),
  ROLLOUT_UNDER_WAY: define<{ name: string; version: number }>({
    status: 409,
    title: 'Rollout under way',
    message: (p) =>
      `deployment "${p.name}" has a rollout of version ${p.version} under way; promote or abort it before another one begins`,
  }),
  NO_DEPLOYMENT: define({
    status: 404,
    title: 'Nothing deployed',
    message: () => 'nothing is deployed yet; run `millwright deploy MODEL_FILE`',
  }),
  REVISION_NOT_FOUND: define<{ name: string; revision: number }>({
    status: 404,
    title: 'Revision not found',
    message: (p) =>
      `deployment "${p.name}" has no revision ${p.revision}; list them with GET /api/v1/deployments/${p.name}/revisions`,
  }),
  NOTHING_TO_ROLL_BACK: define<{ name: string }>({
    status: 409,
    title: 'Nothing to roll back',
    message: (p) => `deployment "${p.name}" is at its first revision; there is nothing before it`,
  }),
  GATEWAYS_NOT_ACKED: define<{ epoch: number; missing: number }>({
    status: 504,
    title: 'Gateways did not follow in time',
    message: (p) =>
      `the change is recorded as epoch ${p.epoch}, but ${p.missing} gateway(s) have not taken it up; see GET /api/v1/status`,
    retryable: true,
  }),
  VALIDATION_FAILED: define<{ count: number }>({
    status: 400,
    title: 'Invalid input',
    message: (p) =>
      p.count === 1 ? 'one value is not what was expected' : `${p.count} values are not what was expected`,
  }),
  INVALID_JSON: define<{ detail: string }>({
    status: 400,
    title: 'Invalid JSON',
    message: (p) => `the body is not JSON: ${p.detail}`,
  }),
  INVALID_MESSAGE: define<{ name: string; detail: string }>({
    status: 400,
    title: 'Invalid message',
    message: (p) =>
      `the message is no ${p.name}: ${p.detail}; build it from the .proto files of docs/reference/grpc.md`,
  }),
  INVALID_ENCODING: define<{ encoding: string }>({
    status: 400,
    title: 'Invalid encoding',
    message: (p) => `the body is not whole ${p.encoding} data, as content-encoding says; send it as it is`,
  }),
  UNSUPPORTED_MEDIA_TYPE: define<{ expected: string; got: string }>({
    status: 415,
    title: 'Unsupported media type',
    message: (p) => `expected ${p.expected}, got ${p.got}`,
  }),
  BODY_TOO_LARGE: define<{ limitBytes: number }>({
    status: 413,
    title: 'Body too large',
    message: (p) => `the body is larger than ${p.limitBytes} bytes; send fewer rows per request`,
  }),
  TOO_MANY_ROWS: define<{ rows: number; limit: number }>({
    status: 413,
    title: 'Too many rows',
    message: (p) => `${p.rows} rows in one request, at most ${p.limit} are taken; send several requests`,
  }),
  TOO_MANY_HEADERS: define<{ most: number }>({
    status: 431,
    title: 'Too many headers',
    message: (p) => `a request has at most ${p.most} header fields; send fewer`,
  }),
  ROUTE_NOT_FOUND: define<{ method: string; path: string }>({
    status: 404,
    title: 'Not found',
    message: (p) => `there is no ${p.method} ${p.path}; see /docs`,
  }),
  METHOD_NOT_ALLOWED: define<{ method: string; path: string; allowed: string }>({
    status: 405,
    title: 'Method not allowed',
    message: (p) => `${p.path} does not take ${p.method}; it takes ${p.allowed}`,
  }),
  NOT_OFFERED: define<{ what: string; instead: string }>({
    status: 400,
    title: 'Not offered',
    message: (p) => `${p.what} is not offered; ${p.instead}`,
  }),
  UPLOAD_NOT_FOUND: define<{ digest: string }>({
    status: 404,
    title: 'Upload not found',
    message: (p) =>
      `nothing was uploaded with digest ${p.digest}; send the file to PUT /api/v1/uploads first`,
  }),
  DIGEST_MISMATCH: define<{ expected: string; got: string }>({
    status: 422,
    title: 'Digest mismatch',
    message: (p) => `the bytes received have sha256 ${p.got}, not ${p.expected}; upload again`,
    retryable: true,
  }),
  UNAUTHENTICATED: define<{ given: boolean }>({
    status: 401,
    title: 'Key needed',
    message: (p) =>
      p.given
        ? 'the API key sent is unknown, expired or revoked; ask an administrator of this server for another'
        : 'this needs an API key; send it as `Authorization: Bearer KEY` or `X-Api-Key: KEY`',
  }),
  PERMISSION_DENIED: define<{ scope: string; reason: string }>({
    status: 403,
    title: 'Not allowed',
    message: (p) => `this needs a key with the scope "${p.scope}", ${p.reason}`,
  }),
  WEBHOOK_NOT_FOUND: define<{ id: string }>({
    status: 404,
    title: 'Webhook not found',
    message: (p) => `there is no webhook "${p.id}"; list them with GET /api/v1/webhooks`,
  }),
  DELIVERY_NOT_FOUND: define<{ id: string }>({
    status: 404,
    title: 'Delivery not found',
    message: (p) =>
      `the webhook has no delivery "${p.id}"; list them with GET /api/v1/webhooks/{webhook}/deliveries`,
  }),
  KEY_NOT_FOUND: define<{ id: string }>({
    status: 404,
    title: 'Key not found',
    message: (p) => `there is no key "${p.id}"; list them with GET /api/v1/keys`,
  }),
  KEY_NOT_ACTIVE: define<{ id: string; state: string }>({
    status: 409,
    title: 'Key not active',
    message: (p) => `key "${p.id}" is ${p.state}; rotate an active one, or make one with POST /api/v1/keys`,
  }),
  HOST_NOT_ALLOWED: define<{ host: string }>({
    status: 403,
    title: 'Host not allowed',
    message: (p) =>
      `this server does not answer to the name "${p.host}"; use its own, or add this one to MILLWRIGHT_ALLOWED_HOSTS`,
  }),
  FOREIGN_ORIGIN: define<{ origin: string }>({
    status: 403,
    title: 'Foreign origin',
    message: (p) =>
      `requests are not taken from pages of ${p.origin}; call from a server, or add its name to MILLWRIGHT_ALLOWED_HOSTS`,
  }),
  STORAGE_FULL: define({
    status: 507,
    title: 'Storage full',
    message: () =>
      'the data folder cannot be written (disk full or read-only); predictions go on, free some space',
    retryable: true,
  }),
  ARTIFACTS_UNAVAILABLE: define({
    status: 503,
    title: 'Store of artifacts unavailable',
    message: (p: { name: string }) =>
      `the store of objects that files of runs are in cannot be used now (${p.name}); predictions go on, send the request again`,
    retryable: true,
  }),
  DATABASE_BUSY: define({
    status: 503,
    title: 'Database busy',
    message: () =>
      'the database cannot be used now: another program holds it, or its server is away; predictions go on, send the request again',
    retryable: true,
  }),
  NOT_SUPPORTED: define<{ what: string; instead: string }>({
    status: 501,
    title: 'Not supported',
    message: (p) => `${p.what} is not supported; ${p.instead}`,
  }),
  MODEL_TIMEOUT: define<{ reason: string }>({
    status: 504,
    title: 'Model too slow',
    message: (p) => `${p.reason}; send fewer rows per request, or raise MILLWRIGHT_ONNX_RUN_MS`,
  }),
  MODEL_FAILED: define<{ reason: string }>({
    status: 503,
    title: 'Model failed',
    message: (p) => `${p.reason}; it is started anew, send fewer rows per request if this happens again`,
    retryable: true,
  }),
  MODEL_BUSY: define<{ reason: string }>({
    status: 503,
    title: 'Model busy',
    message: (p) => `${p.reason}; send the request again later`,
    retryable: true,
  }),
  OVERLOADED: define<{ waitMs: number }>({
    status: 503,
    title: 'Overloaded',
    message: (p) =>
      `the requests before this one take another ${p.waitMs} ms, longer than it may wait; send it again later`,
    retryable: true,
  }),
  TOO_MANY_REQUESTS: define<{ name: string; limit: number }>({
    status: 429,
    title: 'Too many requests',
    message: (p) =>
      `deployment "${p.name}" answers at most ${p.limit} requests at once; send it again later, or raise its limit`,
    retryable: true,
  }),
  RATE_LIMITED: define<{ name: string; perSecond: number; burst: number; waitSeconds: number }>({
    status: 429,
    title: 'Rate limited',
    message: (p) =>
      `deployment "${p.name}" takes ${p.perSecond} requests a second of one key, ${p.burst} at once; send it again in ${p.waitSeconds} s`,
    retryable: true,
  }),
  TOO_MANY_WRONG_KEYS: define<{ waitSeconds: number }>({
    status: 429,
    title: 'Too many wrong keys',
    message: (p) =>
      `too many wrong API keys came from this address; send a good one, or wait ${p.waitSeconds} s`,
    retryable: true,
  }),
  DEADLINE_EXCEEDED: define<{ ms: number }>({
    status: 504,
    title: 'Deadline exceeded',
    message: (p) =>
      `there is no answer within the ${p.ms} ms that the request gave; send fewer rows, or give it more time`,
  }),
  PRECOMPUTED_NOT_FOUND: define<{ name: string; key?: string }>({
    status: 404,
    title: 'Precomputed answer not found',
    message: (p) =>
      p.key === undefined
        ? `deployment "${p.name}" has no precomputed answers; make some with millwright precompute`
        : `deployment "${p.name}" has no precomputed answer for "${p.key}"; send its row, or precompute again`,
  }),
  PRECOMPUTED_UNREADABLE: define({
    status: 503,
    title: 'Precomputed answers unreadable',
    message: () => 'the precomputed answers cannot be read from storage; send rows, or precompute again',
    retryable: true,
  }),
  JOB_NOT_FOUND: define<{ id: string }>({
    status: 404,
    title: 'Job not found',
    message: (p) => `there is no job "${p.id}", or its answer is older than answers are kept`,
  }),
  JOB_QUEUE_FULL: define<{ most: number }>({
    status: 503,
    title: 'Job queue full',
    message: (p) => `${p.most} accepted requests wait for their answer already; send this one again later`,
    retryable: true,
  }),
  JOB_FAILED: define<{ attempts: number }>({
    status: 500,
    title: 'Job failed',
    message: (p) =>
      `the job was begun ${p.attempts} times, and each time the process that answered it ended; send fewer rows`,
  }),
  WEBHOOK_REFUSED: define<{ host: string }>({
    status: 400,
    title: 'Webhook refused',
    message: (p) => `answers are not posted to "${p.host}"; add its host to MILLWRIGHT_WEBHOOK_HOSTS`,
  }),
  NOT_TRACKED: define<{ reason: string }>({
    status: 404,
    title: 'Not tracked',
    message: (p) => `${p.reason}; list runs with millwright runs list`,
  }),
  TRACKING_REFUSED: define<{ reason: string }>({
    status: 400,
    title: 'Tracking refused',
    message: (p) => p.reason,
  }),
  IMPORT_CONFLICT: define<{ what: string; reason: string }>({
    status: 409,
    title: 'Import conflict',
    message: (p) => `${p.what} cannot be imported: ${p.reason}`,
  }),
  CHANGE_FAILED: define<{ reason: string }>({
    status: 503,
    title: 'Change failed',
    message: (p) => `the change was not made, or not by every gateway: ${p.reason}`,
    retryable: true,
  }),
  CONTROL_UNAVAILABLE: define({
    status: 503,
    title: 'Control is not running',
    message: () => 'the control process is not answering; predictions go on, try this again in a few seconds',
    retryable: true,
  }),
  SHUTTING_DOWN: define({
    status: 503,
    title: 'Shutting down',
    message: () => 'the server is shutting down; send the request to another one',
    retryable: true,
  }),
  INTERNAL: define<{ requestId: string }>({
    status: 500,
    title: 'Internal error',
    message: (p) =>
      `something went wrong on our side; the log has the details under request id ${p.requestId}`,
  }),
} as const
