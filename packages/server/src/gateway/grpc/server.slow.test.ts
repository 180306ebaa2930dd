import { connect as connectHttp2, constants } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { ERRORS } from '@millwright/contracts/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDialects } from '../../../test/dialects.ts'
import { readLog } from '../../../test/gateway.ts'
import { connect, type Failure } from '../../../test/grpc-client.ts'
import { HEALTH } from '../doors/grpc-health.ts'
import { ModelInferRequest } from '../doors/v2-grpc/messages.ts'
import { INFERENCE } from '../doors/v2-grpc/services.ts'
import { STATUS_OF_HTTP } from './status.ts'

type Gateway = Awaited<ReturnType<typeof openDialects>>
let gateway: Gateway
let port: number
let client: ReturnType<typeof connect>
beforeAll(async () => {
  gateway = await openDialects({ maxRows: 200_000, maxBodyBytes: 4 << 20 })
  port = await gateway.listen()
  client = connect(port)
})
afterAll(async () => {
  client.close()
  await gateway.close()
})

const request = (rows: number) => ({
  model_name: 'iris-lr',
  inputs: [{ name: 'a', datatype: 'FP32', shape: [rows, 4] }],
  raw_input_contents: [Buffer.from(new Float32Array(4 * rows).fill(1.5).buffer)],
  outputs: [{ name: 'predict' }],
})
const isAlive = async (): Promise<void> => {
  const own = connect(port)
  expect(await own.call(INFERENCE.ModelInfer, request(1))).toMatchObject({ model_version: '1' })
  own.close()
}

test('HTTP/1 and gRPC share the port', async () => {
  const rest = await gateway.ask('/v2/health/live')

  expect(rest.status).toBe(200)
  expect(await client.call(INFERENCE.ServerLive, {})).toEqual({ live: true })
})

test('compressed messages are read', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const zipped = frame(gzipSync(ModelInferRequest.encode(request(50))), true)

  const { status } = await post(session, zipped, { 'grpc-encoding': 'gzip' })

  expect(status).toBe('0')
  session.close()
})

test('a message is too long, by what it was before it was compressed too', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const zipped = frame(gzipSync(Buffer.alloc(64 << 20)), true)

  const long = (await client.callBytes(INFERENCE.ModelInfer.path, Buffer.alloc((4 << 20) + 1))
    .answer) as Failure
  const bomb = await post(session, zipped, { 'grpc-encoding': 'gzip' })

  expect([long.code, bomb.status]).toEqual([8, '8'])
  await isAlive()
  session.close()
})

test('a length that is only announced takes no memory', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(0xffff_ffff, 1)

  const { status } = await post(session, head, {})

  expect(status).toBe('8')
  session.close()
})

test('work stops when its deadline passes, and nothing of it is logged', async () => {
  const own = await openDialects({ maxRows: 600_000 })
  const session = connectHttp2(`http://127.0.0.1:${await own.listen()}`)
  await post(session, framed(request(1)), {})

  const { status } = await post(session, framed(request(600_000)), { 'grpc-timeout': '500m' })
  await untilIdle(own)

  expect(status).toBe('4')
  expect(own.metrics.cancelled.value).toBe(1)
  session.close()
  expect(await readLog(own.layout, own.log)).toHaveLength(1)
  await own.close()
})

test('work stops when its caller cancels', async () => {
  const own = await openDialects({ maxRows: 200_000 })
  const caller = connect(await own.listen())
  await caller.call(INFERENCE.ModelInfer, request(1))

  const { answer, cancel } = caller.callBytes(
    INFERENCE.ModelInfer.path,
    ModelInferRequest.encode(request(150_000)),
  )
  while (own.metrics.state.inFlight === 0) await sleep(1)
  cancel()

  expect(((await answer) as Failure).code).toBe(1)
  await untilIdle(own)
  expect(own.metrics.cancelled.value).toBe(1)
  caller.close()
  await own.close()
})

test('a connection has at most 100 calls', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)

  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    session.once('remoteSettings', resolve),
  )

  expect(settings.maxConcurrentStreams).toBe(100)
  session.close()
})

test('streams that are opened and reset at once end their connection, not the server', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const gone = new Promise((resolve) => session.once('close', resolve))
  const head = {
    ':method': 'POST',
    ':path': INFERENCE.ModelInfer.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  }

  for (let burst = 0; burst < 200 && !session.closed && !session.destroyed; burst++) {
    for (let index = 0; index < 50 && !session.closed && !session.destroyed; index++) {
      const stream = session.request(head)
      stream.on('error', () => {})
      stream.close(constants.NGHTTP2_CANCEL)
    }
    await sleep(1)
  }

  await gone
  await isAlive()
})

test.each([
  ['a preface and nothing else', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a preface and noise', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'x'.repeat(500)}`],
  ['half a preface', 'PRI * HTTP/2.0\r\n'],
  ['a frame longer than allowed', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x01'],
])('%s does no harm', async (_, text) => {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => {})

  socket.write(text, 'latin1')
  await sleep(30)

  await isAlive()
  socket.destroy()
})

test('what is not gRPC on HTTP/2 is refused', async () => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': '/predict', ':method': 'GET' })

  const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve))

  expect(headers[':status']).toBe(415)
  session.close()
})

test('when it stops, calls under way are answered, streams end, and health says so', async () => {
  const own = await openDialects({ maxRows: 200_000 })
  const caller = connect(await own.listen())
  const statuses: number[] = []
  const watch = caller.watch<{ status: number }>(HEALTH.Watch, { service: 'iris-lr' })
  watch.on('data', ({ status }: { status: number }) => statuses.push(status))
  const watched = new Promise<{ code: number }>((resolve) => watch.on('status', resolve))
  const stream = caller.stream(INFERENCE.ModelStreamInfer)
  stream.on('data', () => {})
  const streamed = new Promise<{ code: number }>((resolve) => stream.on('status', resolve))
  stream.write(request(1))
  while (statuses.length === 0) await sleep(5)

  const running = caller.call(INFERENCE.ModelInfer, request(60_000))
  while (own.metrics.state.inFlight === 0) await sleep(1)
  const drained = own.drain(0)

  expect(await running).toMatchObject({ model_version: '1' })
  expect([(await watched).code, (await streamed).code]).toEqual([0, 0])
  expect(statuses).toEqual([1, 2])
  await drained
  caller.close()
  await own.close()
})

test('every status that an error has over HTTP is one of gRPC', () => {
  const statuses = new Set(Object.values(ERRORS).map(({ status }) => status))

  expect([...statuses].filter((status) => STATUS_OF_HTTP[status] === undefined)).toEqual([])
})

test.each([
  ['', 1],
  ['iris-lr', 1],
  ['inference.GRPCInferenceService', 1],
])('the health of "%s" can be asked', async (service, status) => {
  expect(await client.call(HEALTH.Check, { service })).toEqual({ status })
})

test('the health of what is not there is unknown', async () => {
  expect(await client.call(HEALTH.Check, { service: 'nope' })).toMatchObject({ code: 5 })
})

/** A message as it travels, after its length. */
function frame(message: Buffer, isCompressed = false): Buffer {
  const head = Buffer.alloc(5)
  head[0] = Number(isCompressed)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
const framed = (message: object): Buffer => frame(ModelInferRequest.encode(message))

/** Sends bytes as an inference call. */
function post(session: ReturnType<typeof connectHttp2>, body: Buffer, headers: Record<string, string>) {
  const stream = session.request({
    ...{ ':method': 'POST', ':path': INFERENCE.ModelInfer.path, te: 'trailers' },
    ...{ 'content-type': 'application/grpc', ...headers },
  })
  return new Promise<{ status: unknown }>((resolve, reject) => {
    const take = (fields: Record<string, unknown>): void => {
      if (fields['grpc-status'] !== undefined) resolve({ status: fields['grpc-status'] })
    }
    stream.on('response', take).on('trailers', take).on('error', reject).resume()
    stream.end(body)
  })
}

async function untilIdle({ metrics }: Gateway): Promise<void> {
  for (let turn = 0; turn < 1000 && metrics.state.inFlight > 0; turn++) await sleep(2)
  expect(metrics.state.inFlight).toBe(0)
}
