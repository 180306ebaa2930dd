import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MOVED } from '@millwright/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { CHURN_ROW, eventually, ROOT, type Running, startMillwright } from '../support/millwright.ts'

/** Every operation of the published document is called once, and its answer held to the document's own schema. */
type Json = Record<string, unknown>
type Operation = {
  readonly responses: Record<string, { readonly content: Record<string, { schema?: Json }> }>
}
type Document = {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Json }
}

let server: Running
let document: Document
const called = new Set<string>()
beforeAll(async () => {
  server = await startMillwright({ gateways: 1 })
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Document
})
afterAll(() => server.stop())

type Sent = { readonly query?: string; readonly json?: unknown; readonly bytes?: Uint8Array<ArrayBuffer> }

/** Calls `POST /models/{model}` with `{model}` filled in. @returns the answer, after it was held to the document */
async function call(operation: string, parameters: Record<string, string | number> = {}, sent: Sent = {}) {
  const [method = '', path = ''] = operation.split(' ')
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters[name]!))
  const response = await fetch(`${server.url}${filled}${sent.query ?? ''}`, {
    method,
    headers: { 'content-type': sent.bytes === undefined ? 'application/json' : 'application/octet-stream' },
    ...(sent.json === undefined ? {} : { body: JSON.stringify(sent.json) }),
    ...(sent.bytes === undefined ? {} : { body: sent.bytes }),
  })
  called.add(operation)
  const { responses } = document.paths[path]![method.toLowerCase()]!
  const { content } = responses[response.status] ?? responses.default!
  const type = response.headers.get('content-type')!.split(';')[0]!
  expect(Object.keys(content), operation).toContain(type)
  const schema = content[type]?.schema
  if (schema === undefined) return { status: response.status, body: (await response.text()) as never }
  const body = (await response.json()) as never
  const { error } = parserOf(schema).safeParse(body)
  expect(error && `${operation} ${response.status}: ${z.prettifyError(error)}`).toBeUndefined()
  return { status: response.status, body }
}

/** References of an OpenAPI document, as JSON Schema on its own has them. */
function parserOf(schema: Json): z.ZodType {
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas })
  return z.fromJSONSchema(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')))
}

const version = async (name: string): Promise<void> => {
  const bytes = new Uint8Array(readFileSync(join(ROOT, `examples/churn/models/churn_model_${name}.pkl`)))
  const upload = await call('PUT /api/v1/uploads', {}, { bytes })
  const { digest } = upload.body as { digest: string }
  const created = await call(
    'POST /api/v1/models/{model}/versions',
    { model: 'churn' },
    { json: { digest, sample: { rows: [CHURN_ROW] } } },
  )
  expect(created.status).toBe(201)
}

/** Every dialect is asked once for the same row. */
async function callDialects(churn: { deployment: string }): Promise<void> {
  const rows = { instances: [CHURN_ROW] }
  const inputs = Object.entries(CHURN_ROW).map(([name, value]) => ({
    ...{ name, datatype: 'FP64', shape: [1], data: [value] },
  }))
  const calls: [operation: string, json: unknown, status: number][] = [
    ['POST /v1/models/{deployment}:predict', rows, 200],
    ['POST /v1/models/{deployment}:classify', { examples: [CHURN_ROW] }, 200],
    ['POST /v1/models/{deployment}:regress', { examples: [CHURN_ROW] }, 400],
    ['POST /v2/models/{deployment}/infer', { inputs }, 200],
    ['POST /invocations', { dataframe_records: [CHURN_ROW] }, 200],
    ['POST /endpoints/{deployment}/invocations', rows, 200],
    ['POST /predictions/{deployment}', rows, 200],
  ]
  for (const [operation, json, status] of calls)
    expect((await call(operation, churn, { json })).status, operation).toBe(status)
}

/** An answer that stands ready, taken away, and there again. */
async function precompute(churn: { deployment: string; key: string }): Promise<void> {
  const body = `${JSON.stringify({ key: churn.key, prediction: { prediction: 1, probabilities: { 0: 0.4, 1: 0.6 } } })}\n`
  const { body: uploaded } = await call('PUT /api/v1/uploads', {}, { bytes: new TextEncoder().encode(body) })
  const json = { upload: (uploaded as { digest: string }).digest, revision: 1, key: 'customer_id' }
  const make = 'POST /api/v1/deployments/{deployment}/precomputed'
  expect((await call(make, churn, { json })).status).toBe(201)
  await call('DELETE /api/v1/deployments/{deployment}/precomputed', churn)
  expect((await call(make, churn, { json })).status).toBe(201)
  const asked = await call('POST /api/v1/deployments/{deployment}/predict', churn, {
    json: { key: churn.key },
  })
  expect(asked).toMatchObject({ status: 200, body: { precomputed: { key: churn.key } } })
}

/** Something that a webhook is to be told, at an address that nobody is asked at. */
async function addDelivery(): Promise<{ webhook: string; delivery: string }> {
  const post = async (path: string, json: object) =>
    (
      await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
        ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify(json),
      })
    ).json() as Promise<{ webhook: { webhook_id: string } }>
  const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]
  const { webhook } = await post('webhooks', { name: 'ci', url: 'https://localhost:1/', events })
  await post('registered-models/create', { name: 'told' })
  const parameters = { webhook: webhook.webhook_id }
  const { body } = await call('GET /api/v1/webhooks/{webhook}/deliveries', parameters)
  return { ...parameters, delivery: (body as { data: { id: string }[] }).data[0]!.id }
}

/** Names of nothing. */
const NOBODY = { model: 'none', deployment: 'none', run: 'none', name: 'none', webhook: 'none' }

/** Two runs that came from elsewhere, and all that is done with runs. @returns what the addresses call them */
async function track(): Promise<{ run: string; other: string; name: string }> {
  const [run, other] = ['a', 'b'].map((letter) => letter.repeat(32)) as [string, string]
  const row = {
    type: 'run',
    experiment_id: '0',
    name: 'one',
    user_id: 'ana',
    status: 'FINISHED',
    start_time: 1,
  }
  const rows = [run, other].flatMap((run_id) => [
    { ...row, run_id, end_time: 2, lifecycle: 'active', deleted_at: null },
    { type: 'metrics', run_id, metrics: [['auc', run_id === run ? 0.9 : 'NaN', 1, 0]] },
  ])
  const model = { type: 'registered_model', name: 'old', description: null, created_at: 1, updated_at: 1 }
  const brought = await call('POST /api/v1/tracking/import', {}, { json: { rows: [...rows, model] } })
  expect(brought.status).toBe(200)
  const version = {
    ...{ number: 3, source: 's3://elsewhere', files: null, run_id: run, model_id: null, run_link: '' },
    ...{ description: '', user_id: 'ana', stage: 'None', created_at: 1, updated_at: 1 },
  }
  const versions = 'POST /api/v1/tracking/import/models/{model}/versions'
  expect((await call(versions, { model: 'old' }, { json: version })).status).toBe(200)
  const counts = Object.fromEntries(MOVED.map((what) => [what, { source: 1, here: 1 }]))
  const end = { source: 'http://elsewhere', counts, skipped_runs: 0, differences: 0 }
  expect((await call('POST /api/v1/tracking/import/end', {}, { json: end })).status).toBe(200)
  await call('POST /api/v1/tracking/tags', {}, { json: { runs: [run], set: { team: 'growth' } } })
  await call('POST /api/v1/tracking/gc', {}, { json: { dry_run: true } })
  const name = 'good'
  const saving = { json: { filter: 'metrics.auc > 0.5' } }
  await call('PUT /api/v1/tracking/searches/{name}', { name }, saving)
  await call('DELETE /api/v1/tracking/searches/{name}', { name })
  expect((await call('PUT /api/v1/tracking/searches/{name}', { name }, saving)).status).toBe(200)
  return { run, other, name }
}

test('the main job: every answer is what the document says', { timeout: 120_000 }, async () => {
  const churn = { deployment: 'churn', model: 'churn', alias: 'production', version: 1, key: 'CUST_1' }
  await version('v2')
  await version('v3')
  const decision = { positive: 1, threshold: 0.5, bands: [{ name: 'high', above: 0.7 }, { name: 'low' }] }
  await call(
    'POST /api/v1/deployments',
    {},
    { json: { name: 'churn', model: 'churn', version: 1, decision } },
  )
  const again = { name: 'churn', model: 'churn', version: 1 }
  expect(await call('POST /api/v1/deployments', {}, { json: again })).toMatchObject({ status: 400 })
  await call('POST /api/v1/deployments/{deployment}/promote', churn, { json: { version: 2, reason: 'try' } })
  await call('POST /api/v1/deployments/{deployment}/rollback', churn, { json: {} })
  await call('PATCH /api/v1/deployments/{deployment}', churn, { json: { limits: { rows: 100 } } })
  await call(
    'PUT /api/v1/models/{model}/aliases/{alias}',
    { ...churn, alias: 'next' },
    { json: { version: 2 } },
  )
  await call(
    'PUT /api/v1/models/{model}/aliases/{alias}/rules',
    { ...churn, alias: 'next' },
    { json: { rules: [{ kind: 'self-check' }], reason: 'try' } },
  )
  await call(
    'POST /api/v1/models/{model}/versions/{version}/approvals',
    { ...churn, version: '2' },
    { json: { reason: 'read it' } },
  )

  const rollout = (json: object) => call('POST /api/v1/deployments/{deployment}/rollout', churn, { json })
  expect(
    await rollout({ version: 2, weight: 0.5, shadow: 100, unit: { column: 'customer_id' } }),
  ).toMatchObject({ status: 200, body: { candidate: { number: 2 } } })
  expect((await rollout({ version: 1, weight: 5 })).status).toBe(409)
  await call('POST /api/v1/deployments/{deployment}/abort', churn, { json: { reason: 'later' } })
  await call('POST /api/v1/deployments/{deployment}/unload', churn, { json: { reason: 'not now' } })
  await call('POST /api/v1/deployments/{deployment}/load', churn, { json: {} })
  const pins = { v1: { version: 1 }, v2: { alias: 'next' } }
  await call('PATCH /api/v1/deployments/{deployment}', churn, { json: { pins } })
  await call('POST /v1/predict', {}, { json: CHURN_ROW })
  await call('POST /v2/predict', {}, { json: CHURN_ROW })
  await call('POST /v1/predict/{deployment}', churn, { json: CHURN_ROW })
  const made = await call('POST /api/v1/keys', {}, { json: { name: 'ci', scopes: ['read'] } })
  const key = (made.body as { id: string }).id
  await call('POST /api/v1/keys/{key}/rotate', { key }, { json: {} })
  await call('POST /api/v1/keys/{key}/revoke', { key }, { json: {} })

  const predict = 'POST /api/v1/deployments/{deployment}/predict'
  await call('POST /predict', {}, { json: CHURN_ROW })
  await call('POST /predict/{deployment}', churn, { json: CHURN_ROW })
  await call(predict, churn, { json: { row: CHURN_ROW, subject: 's', outputs: ['predict_proba'] } })
  await call(predict, churn, { json: { rows: [CHURN_ROW, { total_orders: 'x' }] } })
  expect((await call(predict, churn, { json: { row: {} } })).status).toBe(400)
  expect((await call(predict, { deployment: 'none' }, { json: { row: {} } })).status).toBe(404)
  await callDialects(churn)
  await precompute(churn)
  await eventually(async () => {
    const { body } = await call('GET /api/v1/predictions', {}, { query: '?limit=2' })
    return (body as { data: unknown[] }).data.length === 2
  })

  const told = await addDelivery()
  await call('POST /api/v1/webhooks/{webhook}/deliveries/{delivery}/replay', told, { json: {} })

  Object.assign(churn, await track())
  const read = Object.entries(document.paths).flatMap(([path, operations]) =>
    'get' in operations ? [path] : [],
  )
  for (const path of read) expect((await call(`GET ${path}`, { ...churn, ...told })).status, path).toBe(200)
  for (const path of read.filter((name) => name.includes('{')))
    expect((await call(`GET ${path}`, { ...churn, ...NOBODY })).status, path).toBe(404)

  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect([...called].sort()).toEqual(documented.sort())
})
