import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHURN_PREDICT,
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'
import { openConversation } from '../../test/raw-http.ts'
import { UNBOUND } from '../access/permission.ts'
import { createSecret, hashOf } from '../access/secret.ts'
import type { RoutedDeployment, RoutedKey } from '../routing/snapshot.ts'

const SECRETS = {
  predict: createSecret('mws_'),
  read: createSecret('mws_'),
  churn: createSecret('mwd_'),
  other: createSecret('mwd_'),
  expired: createSecret('mws_'),
}
type Name = keyof typeof SECRETS

const routed = (name: Name, changes: Partial<RoutedKey> = {}): RoutedKey => ({
  ...{ id: `key_${name}`, name, hash: hashOf(SECRETS[name]), scopes: ['predict'], ...UNBOUND },
  ...{ expires_at: null, ...changes },
})
const KEYS = [
  routed('predict'),
  routed('read', { scopes: ['read'] }),
  routed('churn', { scopes: ['predict', 'read'], deployments: ['churn'] }),
  routed('other', { deployments: ['other'] }),
  routed('expired', { expires_at: Date.now() - 1 }),
]

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let deployments: RoutedDeployment[]

beforeAll(async () => {
  layout = await createDataFolder()
  const churn = await churnDeployment(await storeChurn(layout, 'v2'))
  deployments = [churn, { ...churn, name: 'other', default: false }]
  await writeSnapshot(layout, 1, deployments, KEYS)
  const access = { boundToLoopback: true, loginRequired: true, allowedHosts: [] }
  // There is no control at all.
  gateway = await openGateway(layout, { access })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const predict = (path: string, headers: Readonly<Record<string, string>>) =>
  gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(path === CHURN_PREDICT ? { row: CHURN_ROW } : { customer_id: 'C1', ...CHURN_ROW }),
  })
const bearer = (name: Name) => ({ authorization: `Bearer ${SECRETS[name]}` })

describe('a prediction', () => {
  test.each<[Name, string, number]>([
    ['predict', CHURN_PREDICT, 200],
    ['predict', '/predict', 200],
    ['churn', CHURN_PREDICT, 200],
    ['churn', '/predict', 200],
    ['churn', '//predict//ch%75rn', 200],
    ['churn', '/predict/other', 403],
    ['churn', '/predict/none', 403],
    ['other', '/predict/other', 200],
    ['other', '/predict', 403],
    ['other', CHURN_PREDICT, 403],
    ['read', CHURN_PREDICT, 403],
    ['expired', CHURN_PREDICT, 401],
  ])('with the key "%s" at %s is answered with %i', async (name, path, status) => {
    expect((await predict(path, bearer(name))).status).toBe(status)
  })

  test('without a key asks for one, whether the deployment is there or not', async () => {
    const answers = [
      await predict(CHURN_PREDICT, {}),
      await predict('/predict/none', {}),
      await predict('/predict', {}),
    ]
    const told = answers.map(({ status, headers, json }) => [
      status,
      headers.get('www-authenticate'),
      json().code,
    ])

    expect(new Set(told.map(String)).size).toBe(1)
    expect(told[0]).toEqual([401, expect.stringMatching(/^Bearer realm=.*Basic realm=/), 'UNAUTHENTICATED'])
  })

  test('is answered for the other ways a key may come', async () => {
    const basic = `Basic ${Buffer.from(`ana:${SECRETS.predict}`).toString('base64')}`

    expect((await predict(CHURN_PREDICT, { 'x-api-key': SECRETS.predict })).status).toBe(200)
    expect((await predict(CHURN_PREDICT, { authorization: basic })).status).toBe(200)
  })

  test('on one connection that was answered is refused there when the next has no key', async () => {
    const conversation = openConversation(await gateway.listen())
    const body = JSON.stringify({ row: CHURN_ROW })
    const request = (lines: readonly string[]): string =>
      [
        `POST ${CHURN_PREDICT} HTTP/1.1`,
        ...['Host: localhost', 'Content-Type: application/json', ...lines],
        ...[`Content-Length: ${body.length}`, '', body],
      ].join('\r\n')
    const statuses: number[] = []
    for (const lines of [[`Authorization: Bearer ${SECRETS.predict}`], [], [`X-Api-Key: ${SECRETS.read}`]]) {
      await conversation.send(request(lines))
      statuses.push((await conversation.receive()).status)
    }
    conversation.close()

    expect(statuses).toEqual([200, 401, 403])
  })
})

test.each([
  ['/metrics', 'read', 200],
  ['/metrics', 'predict', 403],
  ['/metrics', 'churn', 403],
] as const)('%s with the key "%s" is answered with %i', async (path, name, status) => {
  expect((await gateway.ask(path, { headers: bearer(name) })).status).toBe(status)
})

test.each(['/health', '/health/live', '/health/ready'])('%s asks for no key', async (path) => {
  expect((await gateway.ask(path)).status).toBe(200)
})

test.each(['/api/v1/models', '/docs', '/nothing'])('%s is not passed on without a key', async (path) => {
  expect((await gateway.ask(path)).status).toBe(401)
  // Nobody is there to answer: it was passed on.
  expect((await gateway.ask(path, { headers: bearer('predict') })).status).toBe(503)
})

test('a key that is not in the next snapshot is refused from then on, on open connections too', async () => {
  await writeSnapshot(layout, 2, deployments, [...KEYS, routed('expired', { id: 'key_late' })])
  await gateway.follower.start()
  const conversation = openConversation(await gateway.listen())
  const body = JSON.stringify({ row: CHURN_ROW })
  const head = `POST ${CHURN_PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Api-Key: ${SECRETS.expired}\r\nContent-Length: ${body.length}\r\n\r\n`
  await conversation.send(head + body)
  const before = await conversation.receive()

  await writeSnapshot(layout, 3, deployments, KEYS)
  await gateway.follower.start()
  await conversation.send(head + body)
  const after = await conversation.receive()
  conversation.close()

  expect([before.status, after.status]).toEqual([200, 401])
})

test('keys are taken up although a model of the same snapshot cannot be loaded', async () => {
  const missing = { ...deployments[0]!.version, program: '0'.repeat(64) }
  await writeSnapshot(
    layout,
    4,
    [{ ...deployments[0]!, version: missing }, deployments[1]!],
    [routed('read')],
  )
  await gateway.follower.start()

  expect((await predict('/predict/other', bearer('predict'))).status).toBe(401)
  await writeSnapshot(layout, 5, deployments, KEYS)
  await gateway.follower.start()
  expect((await predict('/predict/other', bearer('predict'))).status).toBe(200)
})

describe('a page of another site, and a name that was made to resolve here', () => {
  async function post(path: string, headers: Readonly<Record<string, string>>) {
    const body = JSON.stringify({ row: CHURN_ROW })
    const all = {
      host: 'localhost',
      'content-type': 'application/json',
      'content-length': String(body.length),
      ...bearer('predict'),
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
    const conversation = openConversation(await gateway.listen())
    await conversation.send([`POST ${path} HTTP/1.1`, ...lines, '', body].join('\r\n'))
    const answer = await conversation.receive()
    conversation.close()
    return { status: answer.status, json: JSON.parse(answer.body) }
  }

  test.each([
    [{ origin: 'https://evil.example' }, 'FOREIGN_ORIGIN'],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, 'FOREIGN_ORIGIN'],
    [{ host: 'evil.example' }, 'HOST_NOT_ALLOWED'],
  ])('%o is refused with %s, with a key or without', async (headers, code) => {
    const { status, json } = await post(CHURN_PREDICT, headers)

    expect(status).toBe(403)
    expect(json).toMatchObject({ code })
  })

  test('is told so in the words of the dialect, which clients show', async () => {
    const { status, json } = await post('/v2/models/churn/infer', { host: 'ml.example:8080' })

    expect(status).toBe(403)
    expect(json).toEqual({
      error:
        'this server does not answer to the name "ml.example:8080"; use its own, or add this one to MILLWRIGHT_ALLOWED_HOSTS',
    })
  })
})
