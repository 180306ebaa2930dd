import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSharedControl, readChurn } from '../control/testing.ts'
import { createKey } from '../keys/create.ts'

/** What keys for one model alone may do with uploads. */
let now = Date.now()
const secrets: Record<string, string> = {}

const makeKey = async (name: string, more: object) => {
  const key = { name, kind: 'service' as const, scopes: ['deploy' as const], by: 'test' }
  secrets[name] = (await createKey(control.context, { ...key, ...more })).secret
}

const access = { boundToLoopback: false, loginRequired: true, allowedHosts: [] }
const { control, close } = await openSharedControl({ access, now: () => now })
afterAll(close)
beforeAll(async () => {
  await makeKey('admin', { scopes: ['admin'] })
  await makeKey('own', { models: ['own'] })
  await makeKey('other', { models: ['own', 'new'] })
  await makeKey('experiment', { experiments: ['0'] })
  await makeKey('track', { models: ['own'], scopes: ['track'] })
})

type Asked = { readonly key?: string; readonly body: object | Buffer }

async function ask(method: 'GET' | 'PUT' | 'POST', url: string, { key = 'own', body }: Asked) {
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
  const headers = { authorization: `Bearer ${secrets[key]}`, 'content-type': type }
  const { statusCode, json } = await control.app.inject({
    ...{ method, url, headers },
    ...(method !== 'GET' && { payload: body }),
  })
  return { status: statusCode, ...json() }
}
const send = (body: Buffer, key = 'own') => ask('PUT', '/api/v1/uploads', { key, body })
const register = (body: object, { model = 'own', key = 'own' } = {}) =>
  ask('POST', `/api/v1/models/${model}/versions`, { key, body: { filename: 'churn.pkl', ...body } })
const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('an upload becomes a version of the key’s model, which it deploys; its name is on both', async () => {
  const { digest } = await send(await readChurn('v2'))
  const made = await register({ digest })
  const deployment = { name: 'own', model: 'own', version: made.number }
  await ask('POST', '/api/v1/deployments', { key: 'admin', body: deployment })
  const next = await register({ digest: (await send(await readChurn('v3'))).digest })
  const moved = await ask('PUT', '/api/v1/models/own/aliases/production', { body: { version: next.number } })
  const { data } = await ask('GET', '/api/v1/events?limit=10', { key: 'admin', body: {} })

  expect([made.status, next.status, moved.status]).toEqual([201, 201, 200])
  expect(moved.aliases).toMatchObject({ production: next.number })
  const recorded = data.map(({ type, by }: { type: string; by: string }) => `${type} ${by.split(' ')[0]}`)
  expect(recorded).toEqual(expect.arrayContaining(['version.created own', 'deployment.promoted own']))
})

test('what another sent is nobody’s by its digest, nor as a part, and looks like what is not there', async () => {
  const [bytes, unknown] = [await readChurn('bad'), '0'.repeat(64)]
  const digest = digestOf(bytes)
  await send(bytes, 'admin')
  await register({ digest }, { model: 'foreign', key: 'admin' })
  await send(bytes, 'other')
  const sent = (await send(await readChurn('v2'))).digest

  for (const bodyOf of [
    (of: string) => ({ digest: of }),
    (of: string) => ({ digest: sent, parts: { after: [{ digest: of }] } }),
    (of: string) => ({ digest: of, parts: { after: [{ digest: '1'.repeat(64) }] } }),
  ]) {
    const [theirs, nobodys] = [await register(bodyOf(digest)), await register(bodyOf(unknown))]
    expect(theirs).toMatchObject({ status: 404, code: 'UPLOAD_NOT_FOUND' })
    expect(theirs.detail).toBe(nobodys.detail.replace(unknown, digest))
  }
})

test('the same bytes sent by the key itself are a version of its model, and of no other', async () => {
  const digest = digestOf(await readChurn('bad'))
  await send(await readChurn('bad'))

  expect(await register({ digest })).toMatchObject({ status: 201, model: 'own', digest })
  expect(await register({ digest }, { model: 'foreign' })).toMatchObject({ status: 403 })
})

test('after an hour it is sent again', async () => {
  const { digest } = await send(await readChurn('v2'))
  now += 3_600_001
  const late = await register({ digest }, { key: 'own' })
  await send(await readChurn('v2'))

  expect(late).toMatchObject({ status: 404, code: 'UPLOAD_NOT_FOUND' })
  expect(await register({ digest })).toMatchObject({ status: 200 })
})

test.each(['experiment', 'track'])('a key that makes no versions sends nothing: %s', async (key) => {
  expect(await send(Buffer.from('x'), key)).toMatchObject({ status: 403, code: 'PERMISSION_DENIED' })
})
