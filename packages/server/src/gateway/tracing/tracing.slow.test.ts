import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  CHURN_PREDICT,
  CHURN_ROW,
  createChurnFolder,
  type createDataFolder,
  type Limits,
  openGateway,
  removeDataFolder,
} from '../../../test/gateway.ts'
import { connect } from '../../../test/grpc-client.ts'
import { openOtlpReceiver } from '../../../test/otlp-receiver.ts'
import { INFERENCE } from '../doors/v2-grpc/services.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'
/** Of a machine that has other things to do. */
const PATIENTLY = { timeout: 15_000 }
const PARENT = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'vendor=1' }

let layout: Awaited<ReturnType<typeof createDataFolder>>
let receiver: Awaited<ReturnType<typeof openOtlpReceiver>>
const closing: (() => unknown)[] = []

beforeAll(async () => {
  layout = await createChurnFolder()
})
beforeEach(async () => {
  receiver = await openOtlpReceiver()
  closing.push(receiver.close)
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
afterAll(() => removeDataFolder(layout))

async function open(tracing: Limits['tracing'] = {}, limits: Limits = {}) {
  const gateway = await openGateway(layout, {
    ...limits,
    tracing: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: 5, ...tracing },
  })
  closing.push(gateway.close)
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    gateway.ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  return { ...gateway, post }
}

/** What was received, once so many spans were. */
const received = (count: number) =>
  vi.waitFor(() => {
    const spans = receiver.spans()
    expect(spans.length).toBeGreaterThanOrEqual(count)
    return spans
  }, PATIENTLY)

const counted = async ({ ask }: Awaited<ReturnType<typeof open>>, outcome: string): Promise<number> => {
  const { text } = await ask('/metrics')
  return Number(new RegExp(`millwright_trace_spans_total{outcome="${outcome}"} (\\d+)`).exec(text)![1])
}

describe('a prediction', () => {
  test.each([
    ['http/protobuf', 'application/x-protobuf'],
    ['http/json', 'application/json'],
  ] as const)("is a part of the caller's trace, from door to model, told by %s", async (protocol, type) => {
    const gateway = await open({
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=a%20b, x-other=c',
    })

    const answer = await gateway.post(CHURN_PREDICT, { row: CHURN_ROW }, { ...PARENT, 'request-id': 'mine' })
    const spans = await received(4)

    expect(answer.status).toBe(200)
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]))
    const [door, queue, infer, engine] = spans
    expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
      ['POST /api/v1/deployments/{name}/predict', 2],
      ...['queue', 'infer', 'engine'].map((name) => [name, 1]),
    ])
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([
      ...[CALLER, door!.spanId, door!.spanId, infer!.spanId],
    ])
    expect(door!.traceState).toBe('vendor=1')
    expect(door!.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/api/v1/deployments/{name}/predict',
      'http.response.status_code': 200,
      'millwright.door': 'native',
      'millwright.request_id': 'mine',
      'millwright.deployment': 'churn',
      'millwright.model': 'churn',
      'millwright.version': 'v2',
      'millwright.variant': 'stable',
    })
    expect(infer!.attributes).toEqual({ 'millwright.rows': 1, 'millwright.engine': 'inline' })
    expect(engine!.attributes).toEqual({ 'millwright.blocks': 1 })
    expect(door!.resource).toMatchObject({ 'service.name': 'millwright', 'service.instance.id': 'gateway-0' })
    expect(receiver.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': type, 'x-token': 'a b', 'x-other': 'c' },
    })
    for (const part of [queue, infer, engine]) {
      expect(BigInt(part!.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(door!.startTimeUnixNano))
      expect(BigInt(part!.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(door!.endTimeUnixNano))
    }
    expect(Math.abs(Number(BigInt(door!.startTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(60_000)
  })

  test('over gRPC says service, method and status', async () => {
    const gateway = await open()
    const client = connect(await gateway.listen())
    closing.push(() => client.client.close())

    await client.call(INFERENCE.ModelInfer, { model_name: 'nope' }, { metadata: PARENT })
    const [span] = await received(1)

    expect(span).toMatchObject({
      ...{ name: 'inference.GRPCInferenceService/ModelInfer', traceId: TRACE, parentSpanId: CALLER },
      attributes: {
        ...{
          'rpc.system': 'grpc',
          'rpc.service': 'inference.GRPCInferenceService',
          'rpc.method': 'ModelInfer',
        },
        ...{ 'rpc.grpc.status_code': 5, 'millwright.error': 'DEPLOYMENT_NOT_FOUND' },
      },
    })
  })

  test("that is the caller's fault is no failure, and its line in the log has the trace", async () => {
    const gateway = await open()

    await gateway.post(CHURN_PREDICT, { row: {} }, PARENT)
    const spans = await received(3)

    expect(spans[0]).toMatchObject({
      attributes: { 'http.response.status_code': 400, 'millwright.error': 'VALIDATION_FAILED' },
    })
    expect(spans[0]!.status).toBeUndefined()
    expect(gateway.lines.map((line) => JSON.parse(line)['trace.id'])).toContain(TRACE)
  })

  test('that fails for want of time is one', async () => {
    const gateway = await open()

    await gateway.post(CHURN_PREDICT, { row: CHURN_ROW }, { ...PARENT, 'x-request-timeout-ms': '0' })
    const [span] = await received(2)

    expect(span!.status).toEqual({ code: 2, message: 'DEADLINE_EXCEEDED' })
    expect(span!.attributes).toMatchObject({ 'error.type': 'DEADLINE_EXCEEDED' })
  })
})

test.each([
  ['nothing', undefined],
  ['no flags', `00-${TRACE}-${CALLER}`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${CALLER}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['the version that cannot be', `ff-${TRACE}-${CALLER}-01`],
  ['more than version 00 has', `00-${TRACE}-${CALLER}-01-x`],
  ['capital letters', `00-${TRACE.toUpperCase()}-${CALLER}-01`],
])('a new trace begins where traceparent says %s', async (_, traceparent) => {
  const gateway = await open()

  await gateway.post(CHURN_PREDICT, { row: CHURN_ROW }, traceparent === undefined ? {} : { traceparent })
  const [span] = await received(4)

  expect(span!.parentSpanId).toBeFalsy()
  expect(span!.traceId).toMatch(/^[0-9a-f]{32}$/)
  expect(span!.traceId).not.toBe(TRACE)
})

test.each([
  ["the caller's is not", {}, { traceparent: `00-${TRACE}-${CALLER}-00` }],
  ['none is wanted', { OTEL_TRACES_SAMPLER: 'always_off' as const }, PARENT],
  ['no share is wanted', { OTEL_TRACES_SAMPLER: 'traceidratio' as const, OTEL_TRACES_SAMPLER_ARG: 0 }, {}],
])('nothing is recorded where %s', async (_, tracing, headers) => {
  const gateway = await open(tracing)

  await gateway.post(CHURN_PREDICT, { row: CHURN_ROW }, headers)
  for (const probe of ['/health', '/v2/health/live', '/metrics']) await gateway.ask(probe)
  await gateway.close()
  closing.splice(closing.indexOf(gateway.close), 1)

  expect(receiver.requests).toEqual([])
})

test('probes and scrapes are not recorded', async () => {
  const gateway = await open()

  for (const probe of ['/health', '/v2/health/ready', '/ping', '/metrics']) await gateway.ask(probe)
  await gateway.ask('/v2/models')
  const spans = await received(1)

  expect(spans.map(({ name }) => name)).toEqual(['GET /v2/models'])
})

test("a job and its webhook are parts of the caller's trace", async () => {
  const posted: IncomingHttpHeaders[] = []
  const hooks = createServer((incoming, answer) => {
    posted.push(incoming.headers)
    answer.end()
  })
  await once(hooks.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => hooks.close())
  const host = `127.0.0.1:${(hooks.address() as AddressInfo).port}`
  const gateway = await open({}, { webhookHosts: [host] })
  await gateway.jobs.start(gateway.answer)

  await gateway.post(
    `${CHURN_PREDICT}?async=1`,
    { row: CHURN_ROW },
    { ...PARENT, 'x-millwright-webhook': `http://${host}/` },
  )
  await vi.waitFor(() => expect(posted).toHaveLength(1), PATIENTLY)
  const spans = await received(5)

  const [accepted, run] = spans.filter(({ kind }) => kind === 2)
  expect([accepted!.parentSpanId, run!.parentSpanId]).toEqual([CALLER, accepted!.spanId])
  expect(posted[0]).toMatchObject({ traceparent: `00-${TRACE}-${run!.spanId}-01`, tracestate: 'vendor=1' })
})

test("without traces, a webhook gets the caller's own", async () => {
  const posted: IncomingHttpHeaders[] = []
  const hooks = createServer((incoming, answer) => {
    posted.push(incoming.headers)
    answer.end()
  })
  await once(hooks.listen(0, '127.0.0.1'), 'listening')
  closing.push(() => hooks.close())
  const host = `127.0.0.1:${(hooks.address() as AddressInfo).port}`
  const gateway = await open({ OTEL_TRACES_SAMPLER: 'always_off' }, { webhookHosts: [host] })
  await gateway.jobs.start(gateway.answer)

  await gateway.post(
    `${CHURN_PREDICT}?async=1`,
    { row: CHURN_ROW },
    { ...PARENT, 'x-millwright-webhook': `http://${host}/` },
  )
  await vi.waitFor(() => expect(posted).toHaveLength(1), PATIENTLY)

  expect(posted[0]).toMatchObject(PARENT)
})

describe('a receiver', () => {
  test('that is busy is asked again', async () => {
    receiver.close()
    receiver = await openOtlpReceiver([503, 429])
    closing.push(receiver.close)
    const gateway = await open()

    await gateway.post(CHURN_PREDICT, { row: CHURN_ROW })

    expect(await received(4)).toHaveLength(4)
    expect([await counted(gateway, 'exported'), await counted(gateway, 'dropped')]).toEqual([4, 0])
  })

  test('that refuses loses what it refused, and only that; it is said once', async () => {
    receiver.close()
    receiver = await openOtlpReceiver([400, 400])
    closing.push(receiver.close)
    const gateway = await open()

    for (let sent = 1; sent <= 3; sent++) {
      await gateway.post(CHURN_PREDICT, { row: CHURN_ROW })
      await vi.waitFor(() => expect(receiver.requests).toHaveLength(sent), PATIENTLY)
    }
    await received(4)

    expect([await counted(gateway, 'exported'), await counted(gateway, 'dropped')]).toEqual([4, 8])
    const said = gateway.lines.filter((line) => line.includes('traces are'))
    expect(said.map((line) => JSON.parse(line).message)).toEqual([
      expect.stringContaining('it answers 400; predictions go on'),
      'traces are taken again',
    ])
  })

  test('that is gone costs no prediction, and memory for so many spans', async () => {
    receiver.close()
    const gateway = await open({ OTEL_BSP_MAX_QUEUE_SIZE: 8, OTEL_BSP_SCHEDULE_DELAY: 60_000 })

    for (let index = 0; index < 10; index++)
      expect((await gateway.post(CHURN_PREDICT, { row: CHURN_ROW })).status).toBe(200)

    // Of 40 spans at most 8 are on their way and 8 wait.
    expect(await counted(gateway, 'dropped')).toBeGreaterThanOrEqual(24)
  })
})
