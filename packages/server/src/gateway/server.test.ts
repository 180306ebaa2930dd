import { mkdir } from 'node:fs/promises'
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
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
import { requestOf, sendRaw } from '../../test/raw-http.ts'

const BODY = JSON.stringify({ row: CHURN_ROW })

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let port: number

beforeAll(async () => {
  layout = await createDataFolder()
  const v2 = await storeChurn(layout, 'v2')
  await writeSnapshot(layout, 1, [
    await churnDeployment(v2),
    await churnDeployment(v2, { name: 'bare', default: false, respond: null }),
  ])
  gateway = await openGateway(layout)
  port = await gateway.listen()
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

describe('hostile connections', () => {
  test('chunks of one byte are a body like any other', async () => {
    const head = requestOf('POST', CHURN_PREDICT, {
      headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
    })
    const chunks = [...BODY].map((character) => `1\r\n${character}\r\n`).join('')

    expect((await sendRaw(port, head, chunks, '0\r\n\r\n')).status).toBe(200)
  })

  test('a chunked body over the limit is cut off', async () => {
    const small = await openGateway(layout, { maxBodyBytes: 1000 })
    const smallPort = await small.listen()
    const head = requestOf('POST', CHURN_PREDICT, {
      headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
    })

    const answer = await sendRaw(smallPort, head, `ffff\r\n${'x'.repeat(0xffff)}\r\n`)

    expect(answer.status).toBe(413)
    expect(JSON.parse(answer.body).code).toBe('BODY_TOO_LARGE')
    await small.close()
  })

  test('a body of a hundred thousand chunks is cut off', async () => {
    const head = requestOf('POST', CHURN_PREDICT, {
      headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
    })

    const answer = await sendRaw(port, head, '1\r\n \r\n'.repeat(100_000), '0\r\n\r\n')

    expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'INVALID_JSON' })
  })

  test('headers over 16 KiB are refused', async () => {
    const answer = await sendRaw(
      port,
      requestOf('POST', CHURN_PREDICT, { headers: [`X-Pad: ${'x'.repeat(20_000)}`], body: BODY }),
    )

    expect(answer.status).toBe(431)
  })

  test('two lengths, or a length and chunks, are refused', async () => {
    const lengths = requestOf('POST', CHURN_PREDICT, { headers: ['Content-Length: 5', 'Content-Length: 50'] })
    const both = requestOf('POST', CHURN_PREDICT, { headers: ['Transfer-Encoding: chunked'], body: BODY })

    expect((await sendRaw(port, lengths)).status).toBe(400)
    expect((await sendRaw(port, both)).status).toBe(400)
  })

  test('a malformed path is not found', async () => {
    expect((await sendRaw(port, requestOf('GET', '/predict/%zz'))).status).toBe(404)
  })

  test('a client that leaves in the middle of its body takes nothing with it', async () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST ${CHURN_PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"row"`,
    )
    await sleep(50)
    socket.destroy()

    expect((await sendRaw(port, requestOf('POST', CHURN_PREDICT, { body: BODY }))).status).toBe(200)
    while (gateway.metrics.state.inFlight > 0) await sleep(50)
  })

  test('a path that goes up goes nowhere', async () => {
    expect((await sendRaw(port, requestOf('GET', '/health/../../../etc/passwd'))).status).toBe(503)
  })
})

describe('the plain door', () => {
  test('without a template answers bare JSON', async () => {
    const answer = await sendRaw(
      port,
      requestOf('POST', '/predict/bare', { body: JSON.stringify(CHURN_ROW) }),
    )
    const { id, ...rest } = JSON.parse(answer.body)

    expect(id).toMatch(/^prd_/)
    expect(rest).toMatchInlineSnapshot(`
      {
        "decision": {
          "band": "low",
          "outcome": "negative",
          "score": 0.13373134534209968,
        },
        "prediction": 0,
        "probabilities": {
          "0": 0.8662686546579004,
          "1": 0.13373134534209968,
        },
        "version": "v2",
      }
    `)
  })

  test('without a template is strict, with problem documents', async () => {
    const answer = await sendRaw(
      port,
      requestOf('POST', '/predict/bare', { body: JSON.stringify({ ...CHURN_ROW, total_orders: '12' }) }),
    )

    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(answer.body).errors[0].pointer).toBe('/total_orders')
  })

  test('of a deployment that is not there is not found', async () => {
    const answer = await sendRaw(port, requestOf('POST', '/predict/nope', { body: '{}' }))

    expect(JSON.parse(answer.body)).toMatchObject({ status: 404, code: 'DEPLOYMENT_NOT_FOUND' })
  })
})

describe('with nothing deployed', () => {
  test('a gateway is ready, and says what to do', async () => {
    const empty = await createDataFolder()
    const fresh = await openGateway(empty)

    const predict = await fresh.ask('/predict', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    const ready = await fresh.ask('/health/ready')

    expect(predict.json()).toMatchObject({ status: 404, code: 'NO_DEPLOYMENT' })
    expect(ready.status).toBe(200)
    await fresh.close()
    await removeDataFolder(empty)
  })
})

describe('health', () => {
  test.each([
    ['/health', 200, '{"model_version":"v2","status":"healthy"}\n'],
    ['/health/live', 200, '{"status":"live"}'],
    ['/health/ready', 200, '{"status":"ready"}'],
  ])('%s', async (path, status, body) => {
    const answer = await sendRaw(port, requestOf('GET', path))

    expect({ status: answer.status, body: answer.body }).toEqual({ status, body })
  })

  test('checks keep their connection', async () => {
    const closing = requestOf('GET', '/health/live').toString()
    const answer = await sendRaw(port, closing.replace('Connection: close\r\n', ''), closing)

    expect(answer.headers.connection).toBe('keep-alive')
    expect(answer.body.match(/HTTP\/1.1 200/g)).toHaveLength(1)
  })

  test('a model that cannot be loaded keeps a fresh gateway from being ready', async () => {
    const folder = await createDataFolder()
    const version = await storeChurn(folder, 'v2')
    await writeSnapshot(folder, 7, [await churnDeployment({ ...version, program: 'f'.repeat(64) })])
    const fresh = await openGateway(folder)

    const ready = await fresh.ask('/health/ready')
    const health = await fresh.ask('/health')

    expect([ready.status, health.status, health.json().status]).toEqual([503, 503, 'loading'])
    await fresh.close()
    await removeDataFolder(folder)
  })
})

describe('metrics', () => {
  test('count predictions by version and outcome, and everything else', async () => {
    const before = await scrape()
    await sendRaw(
      port,
      requestOf('POST', CHURN_PREDICT, { body: JSON.stringify({ rows: [CHURN_ROW, CHURN_ROW, {}] }) }),
    )
    await sendRaw(port, requestOf('POST', CHURN_PREDICT, { body: '{' }))
    const after = await scrape()
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)

    expect({
      negative: grown('ml_predictions_total{model_version="v2",outcome="negative"}'),
      latency: grown('ml_prediction_latency_seconds_count{model_version="v2"}'),
      score: grown('ml_prediction_score_bucket{le="0.15",model_version="v2"}'),
      lower: grown('ml_prediction_score_bucket{le="0.1",model_version="v2"}'),
      rows: grown('millwright_rows_total{deployment="churn",model_version="v2"}'),
      predicted: grown('millwright_rows_predicted_total{deployment="churn",model_version="v2"}'),
      refused: grown('millwright_rows_refused_total{deployment="churn",model_version="v2"}'),
      errors: grown('millwright_errors_total{door="native",deployment="churn",code="INVALID_JSON"}'),
      requests: grown('millwright_requests_total{door="native",status="2xx"}'),
    }).toEqual({
      negative: 2,
      latency: 1,
      score: 2,
      lower: 0,
      rows: 3,
      predicted: 2,
      refused: 1,
      errors: 1,
      requests: 1,
    })
  })

  test('hold the state of the process and of the log', async () => {
    const names = [...(await scrape()).keys()].map((name) => name.split('{')[0])

    for (const name of [
      ...['millwright_routing_epoch', 'millwright_build_info', 'millwright_log_records_total'],
      ...[
        'millwright_log_dropped_total',
        'millwright_log_backlog_bytes',
        'millwright_model_load_seconds_count',
      ],
      ...['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'],
    ])
      expect(names).toContain(name)
  })

  async function scrape(): Promise<Map<string, number>> {
    const { body } = await sendRaw(port, requestOf('GET', '/metrics'))
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    )
  }
})

describe('everything else is control’s', () => {
  let control: Server
  let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]

  beforeAll(async () => {
    await mkdir(layout.root, { recursive: true })
    seen = []
    control = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const { method = '', url = '', headers } = request
        seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
        response.writeHead(418, {
          ...{ 'x-control': 'yes', 'content-length': 12 },
          ...{ connection: 'keep-alive, x-secret', 'x-secret': '1' },
        })
        response.end('from control')
      })
    })
    await new Promise<void>((resolve) => control.listen(layout.controlSocket, resolve))
  })
  afterAll(() => new Promise<void>((resolve) => void control.close(() => resolve()).closeAllConnections()))

  test('status, headers and body come back, those of the connection do not', async () => {
    const answer = await sendRaw(
      port,
      requestOf('GET', '/api/v1/models?x=1', { headers: ['Request-Id: abc'] }),
    )

    expect(answer).toMatchObject({ status: 418, body: 'from control' })
    expect(answer.headers).toMatchObject({ 'x-control': 'yes', 'request-id': 'abc' })
    expect(answer.headers['x-secret']).toBeUndefined()
  })

  test('control is told who asked', async () => {
    await sendRaw(port, requestOf('GET', '/who', { headers: ['X-Forwarded-For: 10.0.0.9', 'TE: trailers'] }))
    const { headers } = seen.at(-1)!

    expect(headers).toMatchObject({
      'x-forwarded-for': '10.0.0.9, 127.0.0.1',
      'x-forwarded-host': '127.0.0.1',
      'x-forwarded-proto': 'http',
    })
    expect(headers.te).toBeUndefined()
  })

  test('bodies go through, of known length and in chunks, whatever their type', async () => {
    const big = 'x'.repeat(300_000)
    await sendRaw(
      port,
      requestOf('PUT', '/api/v1/uploads', { headers: ['Content-Type: application/octet-stream'], body: big }),
    )
    expect(seen.at(-1)!.body).toBe(big)

    const head = requestOf('POST', '/x', { headers: ['Transfer-Encoding: chunked'] })
    await sendRaw(port, head, '3\r\nabc\r\n0\r\n\r\n')
    expect(seen.at(-1)!.body).toBe('abc')
  })

  test('a body smuggled behind a GET stays its body', async () => {
    const before = seen.length
    const inner = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const head = requestOf('GET', '/outer', { headers: ['Transfer-Encoding: chunked'] })
    await sendRaw(port, head, `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`)
    await sendRaw(port, requestOf('GET', '/next'))

    expect(seen.slice(before).map(({ url }) => url)).toEqual(['/outer', '/next'])
  })

  test('methods of doors are refused here, with those that are taken', async () => {
    const answer = await sendRaw(port, requestOf('GET', CHURN_PREDICT))

    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST, OPTIONS')
  })
})

test('with control dead predictions go on, the rest is unavailable and worth trying again', async () => {
  const answer = await sendRaw(port, requestOf('GET', '/api/v1/models'))

  expect(JSON.parse(answer.body)).toMatchObject({ status: 503, code: 'CONTROL_UNAVAILABLE', retryable: true })
  expect((await sendRaw(port, requestOf('POST', CHURN_PREDICT, { body: BODY }))).status).toBe(200)
})

describe('draining', () => {
  test('answers what is under way, turns new connections away and closes the kept ones', async () => {
    const own = await openGateway(layout)
    const ownPort = await own.listen()
    const agent = new Agent({ keepAlive: true })
    await statusOf({ port: ownPort, path: '/health/live', agent })
    const slow = connect(ownPort, '127.0.0.1')
    const head = `POST ${CHURN_PREDICT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n`
    slow.write(head + BODY.slice(0, 10))
    await sleep(50)

    const drained = own.drain(0)
    await sleep(50)
    const received: string[] = []
    slow.on('data', (chunk) => received.push(String(chunk)))
    const ended = new Promise((resolve) => slow.on('end', resolve))
    slow.write(BODY.slice(10))
    await Promise.all([drained, ended])

    expect(received.join('')).toMatch(/^HTTP\/1.1 200 OK/)
    expect(received.join('').toLowerCase()).toContain('connection: close')
    await expect(sendRaw(ownPort, requestOf('GET', '/health/live'))).rejects.toThrow(/ECONNREFUSED/)
    agent.destroy()
    await own.close()
  })
})

function statusOf(options: { port: number; path: string; agent: Agent }): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', ...options }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    }).on('error', reject)
  })
}
