import { createHash } from 'node:crypto'
import { type CreatedKey, MOVED } from '@millwright/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createKey } from '../keys/create.ts'
import { openSharedControl, readChurn } from './testing.ts'

const ANSWERS = Buffer.from('{"key":"a","prediction":{"prediction":1}}\n')
const DIGEST = createHash('sha256').update(ANSWERS).digest('hex')

const IMPORTED = {
  ...{ source: 'http://mlflow.internal:5000', differences: 0, skipped_runs: 0 },
  counts: Object.fromEntries(MOVED.map((what) => [what, { source: 1, here: 1 }])),
}

/** Every change and the event it leaves, in an order in which they can be made. */
const CHANGES: readonly (readonly [
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  route: string,
  body: object,
  event: string,
])[] = [
  ['POST', '/api/v1/models/{model}/versions', {}, 'version.created'],
  ['POST', '/api/v1/deployments', { name: 'churn', model: 'churn', version: 1 }, 'deployment.deployed'],
  ['PUT', '/api/v1/models/{model}/aliases/{alias}', { version: 2 }, 'alias.moved'],
  ['POST', '/api/v1/models/{model}/versions/{version}/approvals', {}, 'version.approved'],
  [
    'PUT',
    '/api/v1/models/{model}/aliases/{alias}/rules',
    { rules: [{ kind: 'self-check' }] },
    'promotion.rules_set',
  ],
  ['POST', '/api/v1/deployments/{deployment}/promote', { version: 2 }, 'deployment.promoted'],
  ['POST', '/api/v1/deployments/{deployment}/rollout', { version: 1, weight: 5 }, 'deployment.rolling_out'],
  ['POST', '/api/v1/deployments/{deployment}/abort', {}, 'deployment.aborted'],
  ['POST', '/api/v1/deployments/{deployment}/rollback', {}, 'deployment.rolled_back'],
  ['PATCH', '/api/v1/deployments/{deployment}', { limits: { rows: 5 } }, 'deployment.configured'],
  ['POST', '/api/v1/deployments/{deployment}/unload', {}, 'deployment.unloaded'],
  ['POST', '/api/v1/deployments/{deployment}/load', {}, 'deployment.loaded'],
  [
    'POST',
    '/api/v1/deployments/{deployment}/precomputed',
    { upload: DIGEST, revision: 1, key: 'id' },
    'deployment.precomputed',
  ],
  ['DELETE', '/api/v1/deployments/{deployment}/precomputed', {}, 'deployment.precomputed_removed'],
  ['POST', '/api/v1/keys', { name: 'ci', scopes: ['read'] }, 'key.created'],
  ['POST', '/api/v1/keys/{key}/rotate', {}, 'key.rotated'],
  ['POST', '/api/v1/keys/{key}/revoke', {}, 'key.revoked'],
  ['POST', '/api/v1/webhooks/{webhook}/deliveries/{delivery}/replay', {}, 'webhook.replayed'],
  ['POST', '/api/v1/tracking/import/end', IMPORTED, 'tracking.imported'],
]
/** What is recorded otherwise, or says of itself who wrote it. */
const WITHOUT_EVENT = [
  // Bytes without a name: what is made of them is recorded, with their digest.
  'PUT /api/v1/uploads',
  // What is logged to runs is theirs, as when MLflow's clients log it.
  'POST /api/v1/tracking/tags',
  // Recorded as a whole when it ends.
  'POST /api/v1/tracking/import',
  // Recorded as the creation of the version.
  'POST /api/v1/tracking/import/models/{model}/versions',
  // Recorded where it removes something; here there is nothing.
  'POST /api/v1/tracking/gc',
  // Searches change nothing that is searched.
  'PUT /api/v1/tracking/searches/{name}',
  'DELETE /api/v1/tracking/searches/{name}',
]

let admin: CreatedKey

const access = { boundToLoopback: true, loginRequired: true, allowedHosts: [] }
const { control, close } = await openSharedControl({ access })
afterAll(close)
beforeAll(async () => {
  admin = await createKey(control.context, { name: 'root', kind: 'service', scopes: ['admin'], by: 'test' })
})

async function send(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object | Buffer,
) {
  const type = Buffer.isBuffer(payload) ? 'application/octet-stream' : 'application/json'
  const headers = { 'x-api-key': admin.secret, ...(payload && { 'content-type': type }) }
  const reply = await control.app.inject({ method, url, headers, ...(payload && { payload }) })
  return { status: reply.statusCode, body: reply.json() }
}

async function addVersion(name: 'v2' | 'v3') {
  const { body } = await send('PUT', '/api/v1/uploads', await readChurn(name))
  return send('POST', '/api/v1/models/churn/versions', { digest: body.digest, filename: `${name}.pkl` })
}

/** Something that a webhook is to be told, at an address that nobody is asked at. */
async function addDelivery(): Promise<{ webhook: string; delivery: string }> {
  const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]
  const given = { name: 'ci', url: 'https://localhost:1/', events }
  const { body } = await send('POST', '/api/2.0/mlflow/webhooks', given)
  const webhook = body.webhook.webhook_id
  await send('POST', '/api/2.0/mlflow/registered-models/create', { name: 'told' })
  const { body: page } = await send('GET', `/api/v1/webhooks/${webhook}/deliveries`)
  return { webhook, delivery: page.data[0].id }
}

test('every change is recorded with the key that made it', async () => {
  const names: Record<string, string> = {
    ...{ model: 'churn', version: '1', alias: 'challenger', deployment: 'churn' },
  }
  Object.assign(names, await addDelivery())
  const recorded: unknown[] = []
  for (const [method, route, body, event] of CHANGES) {
    const { body: before } = await send('GET', '/api/v1/events?limit=1')
    const url = route.replaceAll(/\{(\w+)\}/g, (_, name) => names[name]!)
    const isVersion = route.endsWith('/versions')
    if (route.endsWith('/precomputed')) await send('PUT', '/api/v1/uploads', ANSWERS)
    if (isVersion) await addVersion('v2')
    const answer = isVersion ? await addVersion('v3') : await send(method, url, body)
    if (answer.body.secret !== undefined) names.key ??= answer.body.id
    const { body: after } = await send('GET', '/api/v1/events?limit=10')
    const newest = before.data[0].id
    const own = after.data.find((one: { id: number; type: string }) => one.id > newest && one.type === event)
    recorded.push([route, answer.status < 300, own?.by])
  }

  expect(recorded).toEqual(CHANGES.map(([, route]) => [route, true, `root (${admin.id})`]))
})

type Operation = { readonly security?: readonly { readonly bearer?: readonly string[] }[] }

test('there is no change beside these', async () => {
  const { body: document } = await send('GET', '/openapi.json')
  const changes = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method, { security = [] }]) => method !== 'get' && security[0]?.bearer?.[0] !== 'predict')
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )

  expect(changes.sort()).toEqual(
    [...CHANGES.map(([method, route]) => `${method} ${route}`), ...WITHOUT_EVENT].sort(),
  )
})
