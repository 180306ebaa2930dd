import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyOf, readTrace } from '../../test/churn-trace.ts'
import {
  CHURN_PREDICT,
  CHURN_ROW,
  createChurnFolder,
  type createDataFolder,
  openGateway,
  removeDataFolder,
} from '../../test/gateway.ts'
import { openConversation } from '../../test/raw-http.ts'
import { createIdSource } from '../ids.ts'
import { createFastPath } from './fast-path.ts'

const NATIVE_BODY = JSON.stringify({ row: CHURN_ROW, id: 'own' })

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let port: number
/** Requests that node:http read. */
let readByNode = 0

beforeAll(async () => {
  layout = await createChurnFolder()
  gateway = await openGateway(layout)
  gateway.server.on('request', () => void readByNode++)
  port = await gateway.listen()
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const post = (path: string, body: Buffer | string, ...headers: readonly string[]): Buffer => {
  const bytes = Buffer.from(body)
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    ...headers,
    `Content-Length: ${bytes.length}`,
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(lines.join('\r\n')), bytes])
}
const JSON_TYPE = 'Content-Type: application/json'

/** Sends pieces one after the other over a connection of their own; tells who read them. */
async function ask(...pieces: readonly (Buffer | string)[]) {
  const before = readByNode
  const conversation = openConversation(port)
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await sleep(5)
    await conversation.send(piece)
  }
  const answer = await conversation.receive()
  conversation.close()
  return { ...answer, byNode: readByNode > before }
}

const halves = (request: Buffer): [Buffer, Buffer] => {
  const end = request.indexOf('\r\n\r\n') + 4
  return [request.subarray(0, end), request.subarray(end)]
}

test('a request that comes whole is answered as node:http would', async () => {
  const request = post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE, 'Request-Id: r-1')

  const fast = await ask(request)
  const slow = await ask(...halves(request))

  expect([fast.byNode, slow.byNode]).toEqual([false, true])
  expect(fast).toEqual({ ...slow, byNode: false, headers: { ...slow.headers, date: fast.headers.date } })
  expect(Math.abs(Date.parse(fast.headers.date!) - Date.now())).toBeLessThan(5_000)
  expect(fast.status).toBe(200)
})

test('every recorded request is answered the same way whole as in two pieces', async () => {
  const plain = readTrace().filter(
    ({ request: { method, headers } }) =>
      method === 'POST' && !headers.some((line) => /^transfer|^content-len/i.test(line)),
  )
  let fastAnswers = 0
  for (const { name, request } of plain) {
    const bytes = post(request.path, bodyOf(request), ...request.headers)
    const fast = await ask(bytes)
    const slow = await ask(...halves(bytes))
    if (!fast.byNode) fastAnswers += 1
    const ownWords = (body: string) => body.replace(/"request_id":"[^"]+"/, '')

    expect([name, fast.status, ownWords(fast.body)]).toEqual([name, slow.status, ownWords(slow.body)])
  }
  expect(plain.length).toBeGreaterThan(120)
  expect(fastAnswers).toBeGreaterThan(100)
})

test('bytes are counted, not characters', async () => {
  const body = JSON.stringify({ ...CHURN_ROW, customer_id: 'Žofie 😀' })

  const { body: text, headers, byNode } = await ask(post('/predict', body, JSON_TYPE))

  expect(byNode).toBe(false)
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text))
  expect(JSON.parse(text).customer_id).toBe('Žofie 😀')
})

test('a body over the limit is refused, and the connection goes on', async () => {
  const small = await openGateway(layout, { maxBodyBytes: 100 })
  const conversation = openConversation(await small.listen())

  await conversation.send(post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE))
  const refused = await conversation.receive()
  await conversation.send(post(CHURN_PREDICT, '{}', JSON_TYPE))
  const next = await conversation.receive()

  expect([refused.status, JSON.parse(refused.body).code, next.status]).toEqual([413, 'BODY_TOO_LARGE', 400])
  conversation.close()
  await small.close()
})

describe('what is not plain is node:http’s', () => {
  const two = Buffer.concat([
    post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE),
    post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE),
  ])
  test.each<[string, (Buffer | string)[], number]>([
    ['two requests in one piece', [two], 200],
    ['another address', [post('/api/v1/models', '{}', JSON_TYPE)], 503],
    ['a malformed address', [post('/predict/%zz', '{}', JSON_TYPE)], 404],
    ['a long head', [post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE, `X-Pad: ${'x'.repeat(3000)}`)], 200],
    ['a closing connection', [post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE, 'Connection: close')], 200],
    [
      'a compressed body',
      [post(CHURN_PREDICT, gzipSync(NATIVE_BODY), JSON_TYPE, 'Content-Encoding: gzip')],
      200,
    ],
    [
      'a head in single bytes',
      [...post(CHURN_PREDICT, '', JSON_TYPE)].map((byte) => Buffer.from([byte])),
      400,
    ],
  ])('%s', async (_, pieces, status) => {
    const answer = await ask(...pieces)

    expect([answer.status, answer.byNode]).toEqual([status, true])
  })

  test('for good, and in order', async () => {
    const conversation = openConversation(port)
    const ids: string[] = []
    const receiveId = async () => ids.push(JSON.parse((await conversation.receive()).body).prediction.id)
    const one = (id: string) => post(CHURN_PREDICT, JSON.stringify({ row: CHURN_ROW, id }), JSON_TYPE)

    await conversation.send(one('a'))
    await receiveId()
    await conversation.send(Buffer.concat([one('b'), one('c'), one('d')]))
    for (let i = 0; i < 3; i++) await receiveId()
    await conversation.send(one('e'))
    await receiveId()

    expect(ids).toEqual(['a', 'b', 'c', 'd', 'e'])
    conversation.close()
  })
})

test('a request that comes while many rows are predicted waits for them', async () => {
  const rows = JSON.stringify({ rows: Array.from({ length: 500 }, () => CHURN_ROW) })
  const conversation = openConversation(port)

  await conversation.send(post(CHURN_PREDICT, rows, JSON_TYPE))
  await sleep(1)
  await conversation.send(post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE))
  const [first, second] = [await conversation.receive(), await conversation.receive()]

  expect(JSON.parse(first.body).predictions).toHaveLength(500)
  expect(JSON.parse(second.body).prediction.id).toBe('own')
  conversation.close()
})

test('a drained gateway closes connections that wait, and answers what came before', async () => {
  const own = await openGateway(layout)
  const ownPort = await own.listen()
  const [idle, busy] = [openConversation(ownPort), openConversation(ownPort)]
  await idle.send(post(CHURN_PREDICT, NATIVE_BODY, JSON_TYPE))
  await idle.receive()
  await busy.send(
    post(CHURN_PREDICT, JSON.stringify({ rows: Array.from({ length: 500 }, () => CHURN_ROW) }), JSON_TYPE),
  )

  const answered = busy.receive()
  await sleep(1)
  await own.drain(0)

  expect((await answered).status).toBe(200)
  await Promise.all([idle.closed, busy.closed])
  await own.close()
})

test('connections that stay silent are closed', async () => {
  const server = createServer()
  createFastPath({
    server,
    ids: createIdSource(),
    answererOf: () => (exchange) => exchange.respond({ status: 200, type: 'text/plain', body: 'ok' }, false),
    takeHttp2: (socket) => void socket.destroy(),
    firstMs: 50,
    mostHeaders: 100,
    keepAliveMs: 1_500,
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port: silentPort } = server.address() as AddressInfo
  const [silent, used] = [openConversation(silentPort), openConversation(silentPort)]

  await used.send(post('/', '', JSON_TYPE))
  expect((await used.receive()).body).toBe('ok')
  await silent.closed
  await used.send(post('/', '', JSON_TYPE))

  expect((await used.receive()).body).toBe('ok')
  await used.closed
  server.close()
})
