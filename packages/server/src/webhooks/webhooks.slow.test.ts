import { createHmac } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Control } from '../control/open.ts'
import { ask, openTestControl, temporaryFolder } from '../control/testing.ts'
import { layoutOf } from '../layout.ts'

type Got = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly path: string }

const SECRET = 'a secret of ours'
const BASE = '/api/2.0/mlflow'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control
let receiver: Server
let host: string
let got: Got[]
/** What the receiver answers next; the last one for ever. */
let answers: number[]

beforeEach(async () => {
  folder = await temporaryFolder()
  got = []
  answers = [204]
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      got.push({ headers: request.headers, body, path: request.url! })
      const status = answers.length > 1 ? answers.shift()! : answers[0]!
      response.writeHead(status, { location: `http://${host}/elsewhere` }).end('a secret of the receiver')
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`
  control = await open()
})
afterEach(async () => {
  await control.close()
  receiver.closeAllConnections()
  receiver.close()
  await folder[Symbol.asyncDispose]()
})

const open = () => openTestControl(folder.path, { webhookHosts: [host] })
const call = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown) =>
  ask(control.app, method, `${BASE}/${path}`, body)
const eventOf = (name: string) => {
  const [entity, action] = name.toUpperCase().split('.')
  return { entity, action }
}

async function addWebhook(events: readonly string[], more: object = {}): Promise<string> {
  const given = {
    name: 'ci',
    url: `http://${host}/hook`,
    secret: SECRET,
    events: events.map(eventOf),
    ...more,
  }
  const { body } = await call('POST', 'webhooks', given)
  return (body as { webhook: { webhook_id: string } }).webhook.webhook_id
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come about')
    await sleep(20)
  }
}

type Delivery = {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly error: string
}
const deliveriesOf = async (id: string) =>
  (await ask(control.app, 'GET', `/api/v1/webhooks/${id}/deliveries`)).body.data as Delivery[]

const ALL = [
  ...['registered_model.created', 'model_version.created', 'model_version_tag.set'],
  ...['model_version_tag.deleted', 'model_version_alias.created', 'model_version_alias.deleted'],
]

test('every change is told in its order, in MLflow’s words, signed in both ways', async () => {
  await addWebhook(ALL)
  await call('POST', 'registered-models/create', { name: 'churn', tags: [{ key: 'a', value: 'b' }] })
  await call('POST', 'model-versions/create', {
    name: 'churn',
    source: 's3://bucket/model',
    description: 'one',
  })
  const version = { name: 'churn', version: '1' }
  await call('POST', 'model-versions/set-tag', { ...version, key: 'k', value: 'v' })
  await control.app.inject({
    ...{ method: 'DELETE', url: `${BASE}/model-versions/delete-tag` },
    ...{ headers: { 'content-type': 'application/json' }, payload: JSON.stringify({ ...version, key: 'k' }) },
  })
  await call('POST', 'registered-models/alias', { ...version, alias: 'best' })
  await until(() => got.length === 5)

  const told = got.map(({ body }) => JSON.parse(body) as { entity: string; action: string; data: object })
  expect(told.map(({ entity, action, data }) => [`${entity}.${action}`, data])).toEqual([
    ['registered_model.created', { name: 'churn', tags: { a: 'b' }, description: null }],
    [
      'model_version.created',
      { ...version, source: 's3://bucket/model', run_id: null, tags: {}, description: 'one' },
    ],
    ['model_version_tag.set', { ...version, key: 'k', value: 'v' }],
    ['model_version_tag.deleted', { ...version, key: 'k' }],
    ['model_version_alias.created', { ...version, alias: 'best' }],
  ])
  const { headers, body } = got[0]!
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`
  expect([headers['webhook-signature'], headers['x-mlflow-signature']]).toEqual([expected, expected])
  expect(headers['x-mlflow-delivery-id']).toBe(headers['webhook-id'])
  expect(headers['x-mlflow-timestamp']).toBe(headers['webhook-timestamp'])
})

test('a change that is refused is told nobody, nor one that the webhook does not ask for', async () => {
  await addWebhook(['registered_model.created'])
  await call('POST', 'registered-models/create', { name: 'churn' })
  await call('POST', 'registered-models/create', { name: 'churn' })
  await call('POST', 'model-versions/create', { name: 'churn', source: 's3://bucket/model' })
  await call('POST', 'registered-models/create', { name: 'last' })
  await until(() => got.length >= 2)

  expect(got.map(({ body }) => JSON.parse(body).data.name)).toEqual(['churn', 'last'])
})

test('what was not taken is sent again with the same id, and what comes after it waits', async () => {
  answers = [500, 302, 204]
  const id = await addWebhook(['registered_model.created'])
  for (const name of ['one', 'two']) await call('POST', 'registered-models/create', { name })
  await until(() => got.length === 4)
  await until(async () => (await deliveriesOf(id)).every(({ state }) => state === 'DELIVERED'))

  expect(got.map(({ body, path }) => [JSON.parse(body).data.name, path])).toEqual([
    ...Array.from({ length: 3 }, () => ['one', '/hook']),
    ['two', '/hook'],
  ])
  expect(new Set(got.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect((await deliveriesOf(id)).map(({ attempts }) => attempts)).toEqual([1, 3])
})

test('what waits is sent by the process that comes after', async () => {
  await addWebhook(['registered_model.created'])
  receiver.closeAllConnections()
  const port = Number(host.split(':')[1])
  await new Promise((resolve) => receiver.close(resolve))
  await call('POST', 'registered-models/create', { name: 'churn' })
  await control.close()
  receiver.listen(port, '127.0.0.1')
  control = await open()
  await until(() => got.length === 1)

  expect(JSON.parse(got[0]!.body).data.name).toBe('churn')
})

test('what was given up is seen, and sent again when it is asked for', async () => {
  answers = [410]
  const id = await addWebhook(['registered_model.created'])
  await call('POST', 'registered-models/create', { name: 'churn' })
  await until(() => got.length === 1)
  await control.context.db
    .updateTable('webhook_deliveries')
    .set({ state: 'DEAD', error: 'the receiver answered 410' })
    .execute()
  const [dead] = await deliveriesOf(id)
  answers = [200]
  const replayed = await ask(control.app, 'POST', `/api/v1/webhooks/${id}/deliveries/${dead!.id}/replay`)
  await until(() => got.length === 2)

  expect(dead).toMatchObject({ state: 'DEAD', error: 'the receiver answered 410' })
  expect(replayed.body).toMatchObject({ id: dead!.id, state: 'WAITING' })
  expect(got[1]!.headers['webhook-id']).toBe(got[0]!.headers['webhook-id'])
})

test('a test says how it ended, and nothing that the receiver said', async () => {
  const id = await addWebhook(['model_version.created'])
  answers = [204, 302]
  const taken = await call('POST', `webhooks/${id}/test`, {})
  const turned = await call('POST', `webhooks/${id}/test`, { event: eventOf('model_version_tag.set') })

  expect(taken.body).toEqual({ result: { success: true, response_status: 204 } })
  expect(turned.body).toEqual({
    result: { success: false, response_status: 302, error_message: 'the receiver answered 302' },
  })
  expect(got.map(({ path }) => path)).toEqual(['/hook', '/hook'])
  expect(JSON.parse(got[1]!.body)).toMatchObject({ entity: 'model_version_tag', action: 'set' })
})

test('its secret is told nobody, and its other fields can be changed', async () => {
  const id = await addWebhook(ALL, { description: 'first' })
  await call('PATCH', `webhooks/${id}`, { name: 'cd', status: 'DISABLED', events: [eventOf(ALL[0]!)] })
  const texts = [
    await call('GET', 'webhooks'),
    await call('GET', `webhooks/${id}`),
    await ask(control.app, 'GET', '/api/v1/webhooks'),
    await ask(control.app, 'GET', '/api/v1/events'),
  ].map(({ body }) => JSON.stringify(body))
  await call('POST', 'registered-models/create', { name: 'churn' })

  expect(texts.filter((text) => text.includes(SECRET))).toEqual([])
  expect((await call('GET', `webhooks/${id}`)).body).toMatchObject({
    webhook: {
      ...{ webhook_id: id, name: 'cd', status: 'DISABLED', description: 'first' },
      events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }],
    },
  })
  expect(await deliveriesOf(id)).toEqual([])
})

test.each([
  'http://hooks.example.com/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://[::1]/',
  'https://[::ffff:169.254.169.254]/latest/meta-data',
  'https://169.254.169.254/latest/meta-data',
  'https://user:password@hooks.example.com/',
  'file:///etc/passwd',
  'gopher://hooks.example.com/',
  'hooks.example.com',
])('%s is no address of a webhook', async (url) => {
  const { status, body } = await call('POST', 'webhooks', { name: 'a', url, events: [eventOf(ALL[0]!)] })

  expect([status, body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
})

test('a name that resolves to an inner address is not asked', async () => {
  const id = await addWebhook([ALL[0]!], { url: 'https://localhost:1/' })

  expect((await call('POST', `webhooks/${id}/test`, {})).body).toEqual({
    result: {
      success: false,
      error_message:
        'the address is not asked: it must be https and public, or its host be in MILLWRIGHT_WEBHOOK_HOSTS',
    },
  })
})

test.each([
  [{ name: '-a' }, 'Webhook name'],
  [{ events: [] }, 'events'],
  [{ events: [{ entity: 'REGISTERED_MODEL', action: 'DELETED' }] }, 'Valid actions'],
  [{ secret: 'x'.repeat(1001) }, 'secret'],
])('%j is refused', async (change, word) => {
  const good = { name: 'a', url: `http://${host}/`, events: [eventOf(ALL[0]!)] }
  const { status, body } = await call('POST', 'webhooks', { ...good, ...change })

  expect([status, body.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  expect(body.message).toContain(word)
})

const keptSecret = async (id: string): Promise<string> => {
  const { db } = control.context
  return (await db.selectFrom('webhooks').select('secret').where('id', '=', id).executeTakeFirstOrThrow())
    .secret
}
const keepSecret = (id: string, secret: string) =>
  control.context.db.updateTable('webhooks').set({ secret }).where('id', '=', id).execute()
const isSigned = ({ headers, body }: Got): boolean => {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  return headers['webhook-signature'] === `v1,${createHmac('sha256', SECRET).update(signed).digest('base64')}`
}
const UNREADABLE =
  'its secret was kept with the key of another data folder (signing.key), so nothing is sent; set the secret of the webhook again'

test('the database holds no secret that can be read, and the process that comes after signs with it', async () => {
  const ids = [await addWebhook([ALL[0]!]), await addWebhook([ALL[0]!], { secret: `v1:${'A'.repeat(60)}` })]
  const kept = [await keptSecret(ids[0]!), await keptSecret(ids[1]!)]
  await call('PATCH', `webhooks/${ids[1]}`, { secret: SECRET })
  await control.close()
  control = await open()
  for (const id of ids) await call('POST', `webhooks/${id}/test`, {})

  for (const text of [...kept, await keptSecret(ids[1]!)]) expect(text).toMatch(/^v1:[\w-]{39,}$/)
  expect(kept[1]).not.toBe(`v1:${'A'.repeat(60)}`)
  expect(await keptSecret(ids[1]!)).not.toBe(await keptSecret(ids[0]!))
  expect(got.map(isSigned)).toEqual([true, true])
})

test('a secret of another data folder sends nothing and says so, until it is set again; other webhooks go on', async () => {
  const id = await addWebhook([ALL[0]!])
  const unsigned = await addWebhook([ALL[0]!], { secret: '', url: `http://${host}/open` })
  await control.close()
  await rm(layoutOf(folder.path).signingKey)
  control = await open()
  await call('POST', 'registered-models/create', { name: 'churn' })
  await until(async () => (await deliveriesOf(id))[0]?.attempts === 1)
  await until(() => got.length === 1)
  await call('PATCH', `webhooks/${id}`, { description: 'still unreadable' })
  const tested = await call('POST', `webhooks/${id}/test`, {})
  const [failed] = await deliveriesOf(id)

  expect(failed).toMatchObject({ state: 'WAITING', error: UNREADABLE })
  expect(tested.body).toEqual({ result: { success: false, error_message: UNREADABLE } })
  expect(got.map(({ path }) => path)).toEqual(['/open'])
  expect((await deliveriesOf(unsigned))[0]).toMatchObject({ state: 'DELIVERED' })

  await call('PATCH', `webhooks/${id}`, { secret: SECRET })
  await until(() => got.length === 2)

  expect(isSigned(got[1]!)).toBe(true)
})

test('a sealed secret is good for its own webhook only', async () => {
  const [one, two] = [await addWebhook([ALL[0]!]), await addWebhook([ALL[0]!])]
  await keepSecret(two, await keptSecret(one))

  const { body } = await call('POST', `webhooks/${two}/test`, {})

  expect(body).toEqual({ result: { success: false, error_message: UNREADABLE } })
  expect(got).toEqual([])
})

test('a secret that was kept plain is read, and sealed when the webhook is changed', async () => {
  const id = await addWebhook([ALL[0]!])
  await keepSecret(id, SECRET)
  await call('POST', `webhooks/${id}/test`, {})
  await call('PATCH', `webhooks/${id}`, { name: 'cd' })
  const kept = await keptSecret(id)
  await call('POST', `webhooks/${id}/test`, {})

  expect(kept).toMatch(/^v1:/)
  expect(got.map(isSigned)).toEqual([true, true])
})
