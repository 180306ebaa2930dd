import { request } from 'node:http'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IRIS, openDialects } from '../../test/dialects.ts'
import {
  CHURN_ROW,
  createChurnFolder,
  type createDataFolder,
  openGateway,
  removeDataFolder,
} from '../../test/gateway.ts'
import { openConversation } from '../../test/raw-http.ts'

const BODY = JSON.stringify({ row: CHURN_ROW })
const LIMIT = 4096

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createChurnFolder()
  gateway = await openGateway(layout, { maxBodyBytes: LIMIT })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function ask(encoding: string, body: Buffer) {
  const answer = await gateway.ask('/api/v1/deployments/churn/predict', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    body,
  })
  return [answer.status, (answer.json() as { code?: string }).code]
}

test.each([
  ['gzip', gzipSync(BODY)],
  ['GZIP', gzipSync(BODY)],
  ['deflate', deflateSync(BODY)],
  ['identity', Buffer.from(BODY)],
])('a body in %s is read', async (encoding, body) => {
  expect(await ask(encoding, body)).toEqual([200, undefined])
})

test.each([
  ['gzip', gzipSync(BODY).subarray(0, -9), 400, 'INVALID_ENCODING'],
  ['gzip', Buffer.from(BODY), 400, 'INVALID_ENCODING'],
  ['gzip', gzipSync(Buffer.alloc(10 << 20, ' ')).subarray(0, LIMIT), 413, 'BODY_TOO_LARGE'],
  ['br', Buffer.from(BODY), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['gzip, gzip', gzipSync(gzipSync(BODY)), 415, 'UNSUPPORTED_MEDIA_TYPE'],
])('a body in %s that is none, %#, is refused', async (encoding, body, status, code) => {
  expect(await ask(encoding, body)).toEqual([status, code])
})

describe('a long answer', () => {
  const ROWS = 1024
  const body = JSON.stringify({
    inputs: [
      {
        ...{ name: 'x', datatype: 'FP64', shape: [ROWS, 4] },
        data: Array.from({ length: ROWS / 16 }, () => [...IRIS.rows, IRIS.rows[0]!]).flat(2),
      },
    ],
    outputs: [{ name: 'predict', parameters: { binary_data: true } }, { name: 'predict_proba' }],
  })
  const DECODE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
    gzip: gunzipSync,
    deflate: inflateSync,
    '': (bytes) => bytes,
  }
  let dialects: Awaited<ReturnType<typeof openDialects>>
  beforeAll(async () => {
    dialects = await openDialects()
  })
  afterAll(() => dialects.close())

  /** Asks as it is: `fetch` would add an `accept-encoding` of its own, and take the answer apart. */
  async function infer(accept: string, sent = body) {
    const port = await dialects.listen()
    return new Promise<{ headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
      const headers = {
        'content-length': Buffer.byteLength(sent),
        ...(accept && { 'accept-encoding': accept }),
      }
      const asked = { port, path: '/v2/models/iris-lr/infer', method: 'POST', headers }
      request(asked, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => resolve({ headers: answer.headers, bytes: Buffer.concat(chunks) }))
      })
        .on('error', reject)
        .end(sent)
    })
  }

  test.each([
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'gzip'],
    ['deflate', 'deflate'],
    ['GZIP;Q=0.5, deflate; q=0.8', 'deflate'],
    ['gzip;q=0, deflate', 'deflate'],
    ['*', 'gzip'],
    ['gzip;q=0, *', 'deflate'],
    ['gzip;q=0', ''],
    ['gzip;q=x', ''],
    ['identity, gzip;q=0.5', ''],
    ['br', ''],
    ['', ''],
  ])('for accept-encoding %j is in %j', async (accept, encoding) => {
    const plain = await infer('')

    const { headers, bytes } = await infer(accept)

    expect(headers['content-encoding'] ?? '').toBe(encoding)
    expect(headers.vary).toBe('accept-encoding')
    expect(DECODE[encoding]!(bytes).equals(plain.bytes)).toBe(true)
    expect(headers['inference-header-content-length']).toBe(plain.headers['inference-header-content-length'])
  })

  test('is as it is when it is short', async () => {
    const short = body.replace(/"data":\[.*?\]/, `"data":[${IRIS.rows[0]}]`).replace(`[${ROWS},4]`, '[1,4]')

    const { headers } = await infer('gzip', short)

    expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined])
  })

  test('keeps the order of answers to requests sent at once', async () => {
    const conversation = openConversation(await dialects.listen())
    const post = (accept: string) =>
      `POST /v2/models/iris-lr/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: ${accept}\r\nContent-Length: ${body.length}\r\n\r\n${body}`

    await conversation.send(post('gzip') + post('br'))
    const [first, second] = [await conversation.receive(), await conversation.receive()]

    expect([first, second].map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', undefined])
    conversation.close()
  })
})
