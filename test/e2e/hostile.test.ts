import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHURN_ROW, eventually, postJson, type Running, startMillwright } from '../support/millwright.ts'
import { rawPost, sendRaw } from '../support/raw.ts'

/** Attacks known from other servers, over real sockets, against the whole tree of processes. */
const PREDICT = '/api/v1/deployments/churn/predict'
const ROW = JSON.stringify(CHURN_ROW)

async function startServing(gateways: number): Promise<Running & AsyncDisposable> {
  const running = await startMillwright({ gateways, args: ['--deploy', 'examples/churn'] })
  await eventually(
    async () => (await postJson(`${running.url}${PREDICT}`, { row: CHURN_ROW })).status === 200,
  )
  return { ...running, [Symbol.asyncDispose]: async () => void (await running.stop()) }
}

let server: Running
beforeAll(async () => {
  server = await startServing(2)
})
afterAll(() => server.stop())

const post = async (body: string, headers: readonly string[] = []) =>
  (await sendRaw(server.url, [rawPost(PREDICT, body, headers)]))[0]!

const get = async (path: string, headers: readonly string[] = []) =>
  (
    await sendRaw(server.url, [
      [`GET ${path} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers, '', ''].join('\r\n'),
    ])
  )[0]!

const problemOf = (body: string): { code: string; detail: string } => JSON.parse(body)

/** Whatever was done before, a prediction is answered. */
const stillServes = async () =>
  expect((await postJson(`${server.url}${PREDICT}`, { row: CHURN_ROW })).status).toBe(200)

describe('other ways to write a path', () => {
  const internal = [
    '/routing',
    '/routing?after=0&gateway=x&pid=1',
    '/ack',
    '/metrics.json',
    '/internal/routing',
    '//routing',
    '/./routing',
    '/api/../routing',
    '/api/v1/%2e%2e/%2e%2e/routing',
    '/%72outing',
    '/routing/',
    '/routing%00',
    '/api/v1/..%2f..%2fmetrics.json',
    'http://control-internal/routing',
    'unix:/run/internal.sock:/routing',
  ]

  test.each(internal)('%s does not reach the internal socket', async (path) => {
    const { status, body } = await get(path)

    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(body).not.toContain('epoch')
  })

  test.each([
    'x-http-method-override: DELETE',
    'x-http-method: PUT',
    'x-original-url: /routing',
    'x-rewrite-url: /routing',
    'x-forwarded-host: evil',
  ])('the header %s changes nothing', async (header) => {
    const { status, body } = await get('/api/v1/models', [header])

    expect(status).toBe(200)
    expect(JSON.parse(body)).toHaveProperty('data')
  })

  test.each(['DELETE', 'TRACE', 'CONNECT', 'PROPFIND'])('%s is not a way in', async (method) => {
    const [answer] = await sendRaw(server.url, [
      `${method} ${PREDICT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    ])

    expect(answer?.status ?? 400).toBeGreaterThanOrEqual(400)
    await stillServes()
  })
})

describe('names', () => {
  const hostile = [
    '..',
    '.%2e',
    '%2e%2e%2fetc',
    'a%2fb',
    'a%00b',
    '%C3%A9',
    '%ff',
    '%',
    '-x',
    'x'.repeat(129),
    'x'.repeat(4_000),
    '__proto__',
    'constructor',
    "x'%20or%201=1--",
    'file:%2f%2f%2fetc%2fpasswd',
    '%1b%5b31m',
  ]

  test.each(hostile)('a deployment called %s is not found, and nothing of it is run', async (name) => {
    const predicted = await sendRaw(server.url, [
      rawPost(`/api/v1/deployments/${name}/predict`, `{"row":${ROW}}`),
    ])
    const read = await get(`/api/v1/models/${name}/versions/1`)

    for (const { status, body } of [...predicted, read]) {
      expect([400, 404]).toContain(status)
      expect(problemOf(body).code).toMatch(/^[A-Z_]+$/)
      expect(body).not.toContain('\u001b')
    }
  })

  test('10 000 names that do not exist leave no label behind', async () => {
    // Those of Node come with what it does: kinds of handles, of garbage collection.
    const lines = async () =>
      (await (await fetch(`${server.url}/metrics`)).text()).match(/^(?!nodejs_)/gm)!.length
    await get('/api/v1/deployments/none-0/schema')
    await sendRaw(server.url, [rawPost('/predict/none-0', ROW)])
    const before = await lines()

    for (let batch = 0; batch < 20; batch++) {
      const requests = Array.from({ length: 500 }, (_, i) =>
        rawPost(`/predict/none-${batch}-${i}`, ROW).replace('connection: close\r\n', ''),
      )
      const answers = await sendRaw(server.url, [requests.join('')], {
        quietMs: 10_000,
        answers: 500,
      })
      expect(answers.filter(({ status }) => status === 404)).toHaveLength(500)
    }

    expect(await lines()).toBeLessThanOrEqual(before + 5)
  })
})

describe('bodies', () => {
  const nested = (depth: number): string => `{"row":${'['.repeat(depth)}${']'.repeat(depth)}}`
  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['text behind the document', `{"row":${ROW}}x`],
    ['nesting of 100 000', nested(100_000)],
    ['rows that are a number of rows', '{"rows":{"length":1000000000}}'],
    ['__proto__ for a column', `{"row":{"__proto__":{"total_orders":1}}}`],
    ['constructor for a column', `{"row":{"constructor":1,"toString":2}}`],
    ['a number beyond float64', '{"row":{"total_orders":1e999}}'],
    ['a number of 4 300 digits', `{"row":{"total_orders":${'9'.repeat(4_300)}}}`],
    ['a number as text', `{"row":${ROW.replace('12', '"12"')}}`],
    ['NaN as Python writes it', `{"row":${ROW.replace('12', 'NaN')}}`],
    ['a lone surrogate', `{"row":{"total_orders":"\\ud800"}}`],
    ['a NUL in a name', '{"row":{"total\\u0000_orders":1}}'],
    ['rows and columns', `{"row":${ROW},"rows":[${ROW}]}`],
    ['columns of different lengths', '{"columns":{"total_orders":[1,2],"lifetime_value":[1]}}'],
    ['10 001 rows', `{"rows":[${Array.from({ length: 10_001 }, () => ROW).join(',')}]}`],
    ['1 000 outputs', `{"row":${ROW},"outputs":[${Array.from({ length: 1_000 }, (_, i) => `"o${i}"`)}]}`],
    ['a subject of 10 000 characters', `{"row":${ROW},"subject":"${'s'.repeat(10_000)}"}`],
    ['10 000 unknown columns', `{"row":{${Array.from({ length: 10_000 }, (_, i) => `"c${i}":1`)}}}`],
  ]

  test.each(refused)('%s is a 4xx that says why in a few words', async (_, body) => {
    const { status, body: answer } = await post(body)

    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(problemOf(answer).code).toMatch(/^[A-Z_]+$/)
    expect(answer.length).toBeLessThan(16_384)
    expect(answer).not.toMatch(/\bat .+\.(ts|js):\d+/)
  })

  test.each([
    ['no rows', '{"rows":[]}'],
    ['minus zero', `{"row":${ROW.replace('45', '-0')}}`],
    ['a byte order mark', `\uFEFF{"row":${ROW}}`],
    ['one column twice', `{"row":${ROW.replace('{', '{"total_orders":1,')}}`],
  ])('%s is an answer or a refusal, never a fault', async (_, body) => {
    expect((await post(body)).status).toBeLessThan(500)
  })

  test.each(['br', 'identity, gzip', 'x'])('content-encoding %s is refused unread', async (encoding) => {
    const body = gzipSync(`{"row":${ROW}}`).toString('latin1')

    expect((await post(body, [`content-encoding: ${encoding}`])).status).toBe(415)
  })

  test.each([
    'application/x-python-pickle',
    'application/octet-stream',
    'text/plain',
    'multipart/form-data; boundary=x',
  ])('the media type %s is never read', async (type) => {
    const request = rawPost(PREDICT, `{"row":${ROW}}`).replace('application/json', type)

    expect((await sendRaw(server.url, [request]))[0]!.status).toBe(415)
  })
})

describe('the protocol', () => {
  const framings: readonly (readonly [string, string])[] = [
    ['two lengths', 'content-length: 5\r\ncontent-length: 6'],
    ['a negative length', 'content-length: -1'],
    ['a length with a sign', 'content-length: +5'],
    ['a length beyond 2^64', 'content-length: 99999999999999999999'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked'],
    ['an unknown transfer coding', 'transfer-encoding: chunked, cow'],
    ['a folded header', 'transfer-encoding:\r\n chunked'],
    ['a header without a name', ': x'],
    ['a space before the colon', 'content-length : 5'],
  ]

  test.each(framings)('%s is refused, and no second request is seen in it', async (_, header) => {
    const answers = await sendRaw(server.url, [
      `POST ${PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${header}\r\n\r\n` +
        `0\r\n\r\nGET /api/v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    ])

    expect(answers.every(({ status }) => status >= 400)).toBe(true)
    expect(answers.length).toBeLessThanOrEqual(1)
    await stillServes()
  })

  test('headers of 1 MB are refused', async () => {
    const [answer] = await sendRaw(server.url, [
      `GET /health HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(1 << 20)}\r\n\r\n`,
    ])

    expect(answer?.status).toBe(431)
  })

  test('an announced gigabyte is refused before it is sent', async () => {
    const [answer] = await sendRaw(server.url, [
      `POST ${PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1073741824\r\n\r\n{`,
    ])

    expect(answer?.status).toBe(413)
  })

  test('500 000 chunks of one byte are refused without being kept', async () => {
    const head = `POST ${PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`

    const [answer] = await sendRaw(server.url, [head, '1\r\n \r\n'.repeat(500_000)])

    expect(answer?.status).toBe(400)
    await stillServes()
  })

  test('a thousand connections that say nothing and a hundred half bodies hold nobody up', async () => {
    const half = rawPost(PREDICT, `{"row":${ROW}}`).slice(0, -20)
    const idle = Array.from({ length: 1_000 }, () => sendRaw(server.url, ['POST '], { quietMs: 3_000 }))
    const halves = Array.from({ length: 100 }, () => sendRaw(server.url, [half], { quietMs: 3_000 }))

    for (let i = 0; i < 20; i++) await stillServes()

    await Promise.all([...idle, ...halves])
  })

  test('a reader that never reads, and one that goes away, hold nobody up', async () => {
    const rows = `{"rows":[${Array.from({ length: 10_000 }, () => ROW).join(',')}]}`
    const gone = Array.from({ length: 20 }, () =>
      sendRaw(server.url, [rawPost(PREDICT, rows)], { quietMs: 1 }),
    )

    await stillServes()
    await Promise.all(gone)
    await stillServes()
  })
})

/** Resident memory of one process, in MiB. */
const residentMib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(join('/proc', String(pid), 'status'), 'utf8'))![1]) / 1024

test('200 000 invalid requests leave memory as it was', { timeout: 180_000 }, async () => {
  await using fresh = await startServing(1)
  const { gateways } = fresh.pids()
  const invalid = [`{"row":{"total_orders":"x"}}`, '{', `{"rows":[{"${'k'.repeat(200)}":1}]}`, 'null']
  const pipelined = invalid
    .flatMap((body) => Array.from({ length: 125 }, () => rawPost(PREDICT, body)))
    .map((request) => request.replace('connection: close\r\n', ''))
    .join('')
  const send = async (batches: number): Promise<number> => {
    let refused = 0
    for (let batch = 0; batch < batches; batch++) {
      const answers = await sendRaw(fresh.url, [pipelined], { quietMs: 10_000, answers: 500 })
      refused += answers.filter(({ status }) => status === 400).length
    }
    return refused
  }

  const warm = await send(160)
  const before = residentMib(gateways[0]!)
  const refused = (await send(240)) + warm
  const growth = residentMib(gateways[0]!) - before

  console.log(`${refused} refused; ${before.toFixed(0)} MiB after 80 000, then ${growth.toFixed(0)} MiB more`)
  expect(refused).toBe(200_000)
  expect(growth).toBeLessThan(48)
  expect(fresh.pids().gateways).toEqual(gateways)
})
