import type { Permission } from '@millwright/contracts/scopes'

type Relayed = { readonly method: 'GET' | 'POST'; readonly path: string; readonly permission: Permission }

const row = (method: Relayed['method'], permission: Permission, ...paths: readonly string[]): Relayed[] =>
  paths.map((path) => ({ method, permission, path }))

/** What training programs ask most of MLflow's protocol, below its prefixes: relayed rather than proxied. */
const CALLS: readonly Relayed[] = [
  ...row('POST', 'track', 'runs/create', 'runs/update', 'runs/log-metric', 'runs/log-parameter'),
  ...row('POST', 'track', 'runs/set-tag', 'runs/log-batch', 'runs/outputs'),
  ...row('POST', 'read', 'runs/search', 'experiments/search'),
  ...row('GET', 'read', 'runs/get', 'experiments/get', 'experiments/get-by-name', 'metrics/get-history'),
]

export const RELAYED: readonly Relayed[] = ['/api/2.0/mlflow/', '/ajax-api/2.0/mlflow/'].flatMap((prefix) =>
  CALLS.map((call) => ({ ...call, path: prefix + call.path })),
)

/** Headers that control looks at. */
export const RELAYED_HEADERS = [
  ...['authorization', 'x-api-key', 'x-millwright-user', 'content-type'],
  ...['host', 'origin', 'sec-fetch-site', 'sec-fetch-mode'],
] as const

/** Of a relayed request, beside its body. */
export type RelayedHead = {
  readonly method: string
  /** With its query. */
  readonly url: string
  /** Id of the request, for logs. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
}

/** Largest body, in bytes: that of control's JSON routes. */
export const RELAYED_BYTES = 32 << 20
