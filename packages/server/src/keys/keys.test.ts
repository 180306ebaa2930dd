import { readFile, writeFile } from 'node:fs/promises'
import { type CreatedKey, SCOPES } from '@millwright/contracts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashOf } from '../access/secret.ts'
import type { Control } from '../control/open.ts'
import { openTestControl, temporaryFolder } from '../control/testing.ts'
import { layoutOf } from '../layout.ts'
import { createKey } from './create.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOON_MS = Date.parse('2026-03-01T12:00:00Z')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control
let now: number
/** An administrator's key, made as the first one is: beside the API. */
let admin: CreatedKey

beforeEach(async () => {
  now = NOON_MS
  folder = await temporaryFolder()
  const access = { boundToLoopback: false, loginRequired: true, allowedHosts: [] }
  control = await openTestControl(folder.path, { access, now: () => now })
  admin = await createKey(control.context, { name: 'root', kind: 'service', scopes: ['admin'], by: 'test' })
})
afterEach(async () => {
  await control.close()
  await folder[Symbol.asyncDispose]()
})

async function ask(method: 'GET' | 'POST', url: string, { secret = admin.secret, body }: Asked = {}) {
  const headers = {
    authorization: `Bearer ${secret}`,
    'x-millwright-user': 'somebody else',
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
  const reply = await control.app.inject({ method, url, headers, ...payload })
  return { status: reply.statusCode, body: reply.json(), headers: reply.headers }
}
type Asked = { readonly secret?: string; readonly body?: object }

const make = async (body: object): Promise<CreatedKey> => (await ask('POST', '/api/v1/keys', { body })).body
const statusWith = async (secret: string): Promise<number> =>
  (await ask('GET', '/api/v1/models', { secret })).status

describe('making a key', () => {
  test('shows its secret once; what is kept and told later has only its hash', async () => {
    const made = await make({ name: 'ana', kind: 'personal', scopes: ['read'] })
    const { routing } = layoutOf(folder.path)
    const kept = [
      readFile(routing, 'utf8'),
      JSON.stringify(await control.context.db.selectFrom('api_keys').selectAll().execute()),
      JSON.stringify(await control.context.db.selectFrom('events').selectAll().execute()),
    ]
    const told = ['/api/v1/keys', '/api/v1/events'].map(async (url) =>
      JSON.stringify((await ask('GET', url)).body),
    )
    const texts = await Promise.all([...kept, ...told])

    expect(made.secret).toMatch(/^mwp_/)
    expect(await statusWith(made.secret)).toBe(200)
    expect(texts.filter((text) => text.includes(made.secret.slice(8)))).toEqual([])
    expect(await readFile(routing, 'utf8')).toContain(hashOf(made.secret))
  })

  test('a personal one lives 90 days unless told, a service one for ever', async () => {
    const personal = await make({ name: 'ana', kind: 'personal', scopes: ['read'] })
    const service = await make({ name: 'ci', scopes: ['deploy'] })

    expect(Date.parse(personal.expires_at!) - NOON_MS).toBe(90 * DAY_MS)
    expect(service).toMatchObject({ kind: 'service', expires_at: null, deployments: null })
  })

  test.each([
    [
      'a personal one of more than a year',
      { kind: 'personal', expires_at: '2027-04-01T00:00:00Z' },
      '/expires_at',
    ],
    ['one that is over', { expires_at: '2026-02-01T00:00:00Z' }, '/expires_at'],
    [
      'a deployment’s that may deploy',
      { kind: 'deployment', scopes: ['deploy'], deployments: ['a'] },
      '/scopes',
    ],
    ['a deployment’s of none', { kind: 'deployment' }, '/deployments'],
    ['a service’s of one', { deployments: ['a'] }, '/deployments'],
    ['without a scope', { scopes: [] }, '/scopes'],
    ['of a scope there is not', { scopes: ['root'] }, '/scopes/0'],
    ['with a secret of one’s own', { secret: 'hunter2' }, '/secret'],
    ['with a name that breaks lines', { name: 'a\nb' }, '/name'],
  ])('%s is refused', async (_, change, pointer) => {
    const { status, body } = await ask('POST', '/api/v1/keys', {
      body: { name: 'x', scopes: ['predict'], ...change },
    })

    expect(status).toBe(400)
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })
})

describe('a key', () => {
  test('that is rotated works beside the next one for a while, and no longer', async () => {
    const old = await make({ name: 'ci', scopes: ['read'] })
    const rotated = await ask('POST', `/api/v1/keys/${old.id}/rotate`, { body: { overlap_seconds: 3_600 } })
    const next = rotated.body as CreatedKey
    const both = [await statusWith(old.secret), await statusWith(next.secret)]
    now += HOUR_MS
    const later = [await statusWith(old.secret), await statusWith(next.secret)]

    expect(rotated.status).toBe(201)
    expect(next).toMatchObject({ name: 'ci', scopes: ['read'], replaces: old.id, expires_at: null })
    expect(both).toEqual([200, 200])
    expect(later).toEqual([401, 200])
  })

  test('that was rotated is not rotated again', async () => {
    const old = await make({ name: 'ci', scopes: ['read'] })
    await ask('POST', `/api/v1/keys/${old.id}/rotate`)

    const again = await ask('POST', `/api/v1/keys/${old.id}/rotate`)

    expect(again.body).toMatchObject({ code: 'KEY_NOT_ACTIVE', status: 409 })
  })

  test('of limited life is followed by one that lives as long', async () => {
    const old = await make({ name: 'ana', kind: 'personal', scopes: ['read'] })
    now += 80 * DAY_MS
    const { body: next } = await ask('POST', `/api/v1/keys/${old.id}/rotate`)

    expect(Date.parse(next.expires_at) - now).toBe(90 * DAY_MS)
  })

  test('that is revoked works no more, and revoking it again changes nothing', async () => {
    const { id, secret } = await make({ name: 'ci', scopes: ['read'] })
    const first = await ask('POST', `/api/v1/keys/${id}/revoke`)
    const again = await ask('POST', `/api/v1/keys/${id}/revoke`)
    const events = await ask('GET', `/api/v1/events?subject=keys/${id}`)

    expect(first.body).toMatchObject({ state: 'revoked', id })
    expect(again.body).toEqual(first.body)
    expect(await statusWith(secret)).toBe(401)
    expect(events.body.data.map((event: { type: string }) => event.type)).toEqual([
      'key.revoked',
      'key.created',
    ])
  })

  test('that there is not cannot be revoked', async () => {
    expect((await ask('POST', '/api/v1/keys/key_none/revoke')).body).toMatchObject({ code: 'KEY_NOT_FOUND' })
  })

  test('that expires is not told apart from one that never was', async () => {
    const { secret } = await make({ name: 'ci', scopes: ['read'], expires_at: '2026-03-01T13:00:00Z' })
    const good = await statusWith(secret)
    now += HOUR_MS
    const expired = await ask('GET', '/api/v1/models', { secret })
    const unknown = await ask('GET', '/api/v1/models', { secret: 'mws_0000000000000000000000000000001tZTBh' })
    const told = ({ body: { request_id: _, ...rest } }: typeof expired) => rest

    expect(good).toBe(200)
    expect(told(expired)).toEqual(told(unknown))
    expect(expired.status).toBe(401)
    expect(expired.headers['www-authenticate']).toMatch(/^Bearer realm="millwright"/)
  })

  test('signs what it changes, whatever the request says of its sender', async () => {
    const { id } = await make({ name: 'ci', scopes: ['read'] })
    const { body } = await ask('GET', `/api/v1/events?subject=keys/${id}`)

    expect(body.data).toMatchObject([{ by: `root (${admin.id})`, type: 'key.created', data: { name: 'ci' } }])
  })

  test('is said to be used when a gateway says so, and never earlier than before', async () => {
    const say = (at: number) =>
      control.internal.inject({ method: 'POST', url: '/key-uses', payload: { [admin.id]: at } })
    await say(NOON_MS + 1_000)
    await say(NOON_MS - 1_000)
    const { body } = await ask('GET', '/api/v1/keys')

    expect(body.data).toMatchObject([{ id: admin.id, last_used_at: '2026-03-01T12:00:01.000Z' }])
  })
})

test('only an administrator sees or makes keys', async () => {
  const others = SCOPES.filter((scope) => scope !== 'admin')
  const { secret } = await make({ name: 'ci', scopes: others })
  const statuses = [
    await ask('GET', '/api/v1/keys', { secret }),
    await ask('POST', '/api/v1/keys', { secret, body: { name: 'x', scopes: ['admin'] } }),
    await ask('POST', `/api/v1/keys/${admin.id}/revoke`, { secret }),
  ]

  expect(statuses.map(({ status }) => status)).toEqual([403, 403, 403])
  expect(statuses[0]!.body.detail).toBe(
    'this needs a key with the scope "admin", and the one sent has predict, read, label, track, deploy',
  )
})

test('a routing snapshot of before there were keys has them after a start', async () => {
  const { routing } = layoutOf(folder.path)
  const { keys, ...before } = JSON.parse(await readFile(routing, 'utf8'))
  await control.close()
  await writeFile(routing, JSON.stringify(before))

  control = await openTestControl(folder.path)
  const after = JSON.parse(await readFile(routing, 'utf8'))

  expect(keys).toMatchObject([{ id: admin.id }])
  expect(after.keys).toEqual(keys)
  expect(after.epoch).toBeGreaterThan(before.epoch)
})
