import {
  AliasChange,
  Deployment,
  ERRORS,
  Event,
  Model,
  ModelSchema,
  ModelVersion,
  Revision,
  Status,
  VersionDetail,
} from '@millwright/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { addChurn, ask, openSharedControl, silentLogger } from './testing.ts'

const broken = defineRoute({
  method: 'GET',
  path: '/api/v1/broken',
  permission: 'read',
  summary: 'Fails',
  tag: 'test',
  answers: { 200: z.string() },
  handle: () => Promise.reject(new Error('secret of the house')),
})

const { control, close } = await openSharedControl({ routes: [broken], logger: silentLogger() })
afterAll(close)
beforeAll(async () => {
  await addChurn(control.app, 'v2')
})

const send = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  headers: Record<string, string> = {},
  payload?: string,
) => control.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })

describe('errors', () => {
  test('an unknown path and a wrong method are problems that say what there is', async () => {
    const unknown = await send('GET', '/api/v1/nothing')
    const wrong = await send('DELETE', '/api/v1/models/churn')

    expect(unknown.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND', status: 404 })
    expect(unknown.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(wrong.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405 })
    expect(wrong.headers.allow).toBe('GET')
  })

  test('the request id is taken from the request, or made, and is in header and problem', async () => {
    const given = await send('GET', '/api/v1/nothing', { 'request-id': 'abc-1' })
    const bad = await send('GET', '/api/v1/nothing', { 'request-id': 'a b' })

    expect(given.headers['request-id']).toBe('abc-1')
    expect(given.json().request_id).toBe('abc-1')
    expect(bad.json().request_id).toMatch(/^req_[0-9A-Z]{26}$/)
  })

  test('a name may have 128 characters, and one of more is refused as every wrong name', async () => {
    const longest = await send('GET', `/api/v1/models/${'n'.repeat(128)}`)
    const longer = await send('GET', `/api/v1/models/${'n'.repeat(1000)}`)

    expect(longest.json()).toMatchObject({ code: 'MODEL_NOT_FOUND', status: 404 })
    expect(longer.json()).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer: '/path/model' }] })
  })

  test('a fault of ours says nothing but the request id', async () => {
    const reply = await send('GET', '/api/v1/broken', { 'request-id': 'r1' })

    expect(reply.json()).toMatchObject({ code: 'INTERNAL', request_id: 'r1' })
    expect(reply.body).not.toMatch('secret')
  })

  test.each([
    ['text that is not JSON', 'application/json', '{', 'INVALID_JSON'],
    ['another media type', 'text/plain', '{}', 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form, as any page can send it', 'application/x-www-form-urlencoded', 'a=b', 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'an unknown field',
      'application/json',
      '{"version":1,"name":"x","model":"churn","colour":1}',
      'VALIDATION_FAILED',
    ],
    ['a prototype', 'application/json', '{"__proto__":{"version":1}}', 'INVALID_JSON'],
  ])('%s is refused', async (_, type, payload, code) => {
    const reply = await send('POST', '/api/v1/deployments', { 'content-type': type }, payload)

    expect(reply.json()).toMatchObject({ code })
  })

  test('every fault of a body has its pointer', async () => {
    const body = JSON.stringify({
      name: '',
      model: 'churn',
      version: 0,
      decision: { bands: [{}] },
      colour: 1,
    })
    const reply = await send('POST', '/api/v1/deployments', { 'content-type': 'application/json' }, body)

    const pointers = reply.json().errors.map((error: { pointer: string }) => error.pointer)
    expect(pointers.sort()).toEqual(['/colour', '/decision/bands/0/name', '/name', '/version'])
  })
})

describe('pages of other origins', () => {
  test.each([
    ['a foreign page', { origin: 'https://evil.example', host: '127.0.0.1:7600' }, 403],
    ['a sandboxed page', { origin: 'null', host: '127.0.0.1:7600' }, 403],
    ['another port of this machine', { origin: 'http://127.0.0.1:9999', host: '127.0.0.1:7600' }, 403],
    ['a name that was made to resolve here', { origin: 'http://evil.example', host: 'evil.example' }, 403],
    ['our own page', { origin: 'http://localhost:7600', host: 'localhost:7600' }, 400],
    ['a program', { host: '[::1]:7600' }, 400],
  ])('%s changing something: %o → %i', async (_, headers, status) => {
    const reply = await send('POST', '/api/v1/deployments', headers)

    expect(reply.statusCode).toBe(status)
  })

  test.each([
    [{ origin: 'https://evil.example', host: 'localhost' }, 200],
    [{ host: 'evil.example' }, 403],
  ])(
    'reading with %o is answered with %i: pages of others cannot see an answer sent to our name',
    async (headers, status) => {
      expect((await send('GET', '/api/v1/models', headers)).statusCode).toBe(status)
    },
  )
})

describe('lists', () => {
  test('are read page by page to the end, without gaps or repeats', async () => {
    const ids: number[] = []
    let url: string | null = '/api/v1/events?limit=1'
    while (url !== null) {
      const { body } = await ask(control.app, 'GET', url)
      ids.push(...(body.data as { id: number }[]).map((event) => event.id))
      expect(body.has_more).toBe(body.next !== null)
      url = body.next as string | null
    }

    expect(ids).toEqual([3, 2, 1])
  })

  test('a cursor that is none of ours is refused', async () => {
    const reply = await send('GET', '/api/v1/events?cursor=%27')

    expect(reply.json()).toMatchObject({ errors: [{ pointer: '/query/cursor' }] })
  })
})

describe('the description of the API', () => {
  test('names every path with resolvable references', async () => {
    const document = (await send('GET', '/openapi.json')).json()

    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/predict', '/api/v1/uploads', '/api/v1/deployments/{deployment}/rollback']),
    )
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)]
    const missing = references
      .map(([, name]) => name!)
      .filter((name) => !(name in document.components.schemas))
    expect(references.length).toBeGreaterThan(20)
    expect(missing).toEqual([])
    expect(JSON.stringify(document)).not.toMatch('#/$defs')
  })

  test('the pages need no network and name every route and every error', async () => {
    const docs = await send('GET', '/docs')
    const errors = await send('GET', '/docs/errors')

    expect(docs.body).toContain('/api/v1/deployments/{deployment}/rollback')
    for (const code of Object.keys(ERRORS)) expect(errors.body).toContain(`id="${code}"`)
    for (const page of [docs.body, errors.body]) expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })
})

test('status shows deployments and gateways', async () => {
  const { status, body } = await ask(control.app, 'GET', '/api/v1/status')

  expect(status).toBe(200)
  expect(body).toMatchObject({ epoch: 0, gateways: [], deployments: [], log: { segments: 0 } })
})

describe('answers', () => {
  const page = (item: z.ZodObject) =>
    z.strictObject({ data: z.array(z.strictObject(item.shape)), has_more: z.boolean(), next: z.null() })

  test.each([
    ['/models', page(Model)],
    ['/models/churn', z.strictObject(Model.shape)],
    ['/models/churn/versions', page(ModelVersion)],
    ['/models/churn/versions/1', z.strictObject(VersionDetail.shape)],
    ['/models/churn/versions/1/schema', z.strictObject(ModelSchema.shape)],
    ['/models/churn/aliases/production/history', page(AliasChange)],
    ['/deployments', page(Deployment)],
    ['/deployments/churn', z.strictObject(Deployment.shape)],
    ['/deployments/churn/revisions', page(Revision)],
    ['/deployments/churn/schema', z.strictObject(ModelSchema.shape)],
    ['/events', page(Event)],
    ['/status', z.strictObject(Status.shape)],
  ])('%s has the fields of its schema and no others', async (path, schema) => {
    const body = { name: 'churn', model: 'churn', version: 1 }
    await ask(control.app, 'POST', '/api/v1/deployments', body)

    const answer = await ask(control.app, 'GET', `/api/v1${path}`)

    expect(schema.safeParse(answer.body).error).toBeUndefined()
  })
})
