import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDialects } from '../../../test/dialects.ts'
import { ModelInferRequest, ModelInferResponse, ModelStreamInferResponse } from '../doors/v2-grpc/messages.ts'
import { INFERENCE } from '../doors/v2-grpc/services.ts'
import { framed, MessageReader } from './messages.ts'

/** What libraries do not send, and how it is answered, as frames of HTTP/2. */

const [OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, UNIMPLEMENTED] = ['0', '3', '4', '12']
const INFER = INFERENCE.ModelInfer.path
const STREAM = INFERENCE.ModelStreamInfer.path
const MEBIBYTE = 1 << 20

let gateway: Awaited<ReturnType<typeof openDialects>>
let session: ClientHttp2Session
beforeAll(async () => {
  gateway = await openDialects({ maxRows: 200_000 })
  session = connectHttp2(`http://127.0.0.1:${await gateway.listen()}`)
})
afterAll(async () => {
  session.close()
  await gateway.close()
})

type Fields = Readonly<Record<string, string>>
type Answered = { readonly head: Record<string, unknown>; readonly messages: Buffer[] }

const open = (path: string, fields: Fields = {}, on = session): ClientHttp2Stream =>
  on.request({
    ...{ ':method': 'POST', ':path': path, te: 'trailers', 'content-type': 'application/grpc' },
    ...fields,
  })

/** All that comes back: headers with trailers, and messages. */
function answerOf(stream: ClientHttp2Stream): Promise<Answered> {
  const reader = new MessageReader(64 * MEBIBYTE)
  const messages: Buffer[] = []
  let head: Record<string, unknown> = {}
  return new Promise((resolve, reject) => {
    const take = (more: Record<string, unknown>): void => {
      head = { ...head, ...more }
    }
    stream.on('response', take).on('trailers', take).on('error', reject)
    stream.on('data', (piece: Buffer) => {
      reader.add(piece)
      for (let next = reader.next(); next !== undefined; next = reader.next()) messages.push(next.bytes)
    })
    stream.on('close', () => resolve({ head, messages }))
  })
}

async function call(path: string, body: Buffer, fields: Fields = {}): Promise<Answered> {
  const stream = open(path, fields)
  const answer = answerOf(stream)
  // node:http2 ends those of GET itself.
  if (stream.writable) stream.end(body)
  return answer
}
const statusOf = async (body: Buffer, fields: Fields = {}, path = INFER): Promise<unknown> =>
  (await call(path, body, fields)).head['grpc-status']

const requestOf = (rows: number, id = ''): Buffer =>
  ModelInferRequest.encode({
    ...{ model_name: 'iris-lr', id },
    inputs: [{ name: 'a', datatype: 'FP64', shape: [rows, 4] }],
    raw_input_contents: [Buffer.from(new Float64Array(4 * rows).fill(1.5).buffer)],
  })
const compressed = (message: Buffer): Buffer => {
  const frame = framed(message)
  frame[0] = 1
  return frame
}
const idsOf = ({ messages }: Answered): unknown[] =>
  messages.map((message) => ModelStreamInferResponse.decode(message).infer_response?.id)

test('a message may be cut at every byte, each piece a frame of its own', async () => {
  const stream = open(INFER)
  const answer = answerOf(stream)

  for (const byte of framed(requestOf(2))) {
    stream.write(Buffer.from([byte]))
    await new Promise(setImmediate)
  }
  stream.end()

  const { head, messages } = await answer
  expect(head['grpc-status']).toBe(OK)
  expect(ModelInferResponse.decode(messages[0]!).outputs[0]?.shape[0]).toBe(2)
})

test('several messages of one frame are answered in their order', async () => {
  const ids = ['a', 'b', 'c', 'd']

  const answered = await call(STREAM, Buffer.concat(ids.map((id) => framed(requestOf(1, id)))))

  expect(answered.head['grpc-status']).toBe(OK)
  expect(idsOf(answered)).toEqual(ids)
})

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
])('messages in %s and plain ones are answered in their order', async (encoding, compress) => {
  const [a, b, c] = [requestOf(1, 'a'), requestOf(300, 'b'), requestOf(1, 'c')] as const
  const body = Buffer.concat([compressed(compress(a)), compressed(compress(b)), framed(c)])

  const answered = await call(STREAM, body, { 'grpc-encoding': encoding })

  expect(answered.head['grpc-status']).toBe(OK)
  expect(idsOf(answered)).toEqual(['a', 'b', 'c'])
})

test.each<[string, () => Buffer, Fields, string]>([
  ['no message', () => Buffer.alloc(0), {}, UNIMPLEMENTED],
  ['two messages', () => Buffer.concat([framed(requestOf(1)), framed(requestOf(1))]), {}, UNIMPLEMENTED],
  ['half a message', () => framed(requestOf(1)).subarray(0, -1), {}, INVALID_ARGUMENT],
  ['half a head', () => Buffer.alloc(3), {}, INVALID_ARGUMENT],
  ['an unknown flag', () => Buffer.from([2, 0, 0, 0, 0]), {}, INVALID_ARGUMENT],
  ['compressed without a coding', () => compressed(gzipSync(requestOf(1))), {}, INVALID_ARGUMENT],
  ['an unknown coding', () => compressed(requestOf(1)), { 'grpc-encoding': 'br' }, UNIMPLEMENTED],
  ['no gzip', () => compressed(requestOf(1)), { 'grpc-encoding': 'gzip' }, INVALID_ARGUMENT],
  ['an unknown coding that is not used', () => framed(requestOf(1)), { 'grpc-encoding': 'br' }, OK],
  ['no time', () => framed(requestOf(1)), { 'grpc-timeout': '1n' }, DEADLINE_EXCEEDED],
  ['a very long time', () => framed(requestOf(1)), { 'grpc-timeout': '99999999H' }, OK],
  ['a time without a unit', () => framed(requestOf(1)), { 'grpc-timeout': '5' }, INVALID_ARGUMENT],
  ['a time too long', () => framed(requestOf(1)), { 'grpc-timeout': '123456789S' }, INVALID_ARGUMENT],
])('%s', async (_, body, fields, status) => {
  expect(await statusOf(body(), fields)).toBe(status)
  expect(await statusOf(framed(requestOf(1)))).toBe(OK)
})

test('an unknown rpc is named in the message of its status, percent-encoded', async () => {
  const { head } = await call('/a.B/C%E2', Buffer.alloc(0))

  expect(head['grpc-status']).toBe(UNIMPLEMENTED)
  expect(head['grpc-message']).toBe(
    'the rpc /a.B/C%25E2 is not supported; call one of docs/reference/grpc.md',
  )
})

test.each([
  ['GET', { ':method': 'GET' }, 405],
  ['HEAD', { ':method': 'HEAD' }, 405],
  ['JSON', { 'content-type': 'application/json' }, 415],
  ['gRPC-Web', { 'content-type': 'application/grpc-web+proto' }, 415],
])('%s is refused as HTTP', async (_, fields, status) => {
  const { head } = await call(INFER, Buffer.alloc(0), fields)

  expect(head[':status']).toBe(status)
})

test('other subtypes of gRPC are calls', async () => {
  expect(await statusOf(framed(requestOf(1)), { 'content-type': 'application/grpc+proto' })).toBe(OK)
  expect(await statusOf(framed(requestOf(1)), { 'content-type': 'application/grpc;x=y' })).toBe(OK)
})

test.each<[string, Fields]>([
  ['long', { 'x-long': 'x'.repeat(20_000) }],
  ['many', Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`x-${index}`, '1']))],
])('headers that are too %s end their call alone', async (_, fields) => {
  const stream = open(INFER, fields)
  const failed = expect(answerOf(stream)).rejects.toThrow('ENHANCE_YOUR_CALM')
  stream.end(framed(requestOf(1)))

  await failed
  expect(await statusOf(framed(requestOf(1)))).toBe(OK)
})

test('who goes on sending after the answer is cut off', async () => {
  const stream = open('/a.B/C')
  const answer = answerOf(stream)

  const sending = setInterval(() => stream.writable && stream.write(Buffer.alloc(1000)), 20)
  const { head } = await answer
  clearInterval(sending)

  expect(head['grpc-status']).toBe(UNIMPLEMENTED)
  expect(stream.rstCode).toBe(0)
})

test('a slow reader is waited for: no more messages are read than he takes answers', async () => {
  const own = connectHttp2(`http://127.0.0.1:${await gateway.listen()}`)
  const stream = open(STREAM, {}, own)
  const [messages, rows] = [40, 5_000]
  const rowsBefore = gateway.log.stats.appended
  const answered = (): number => (gateway.log.stats.appended - rowsBefore) / rows

  for (let index = 0; index < messages; index++) stream.write(framed(requestOf(rows)))
  stream.end()
  while (answered() === 0) await sleep(5)
  await sleep(500)
  const unread = answered()
  const { head, messages: answers } = await answerOf(stream)

  expect(unread).toBeLessThanOrEqual(2)
  expect(head['grpc-status']).toBe(OK)
  expect(answers).toHaveLength(messages)
  own.destroy()
})

test('answers that nobody reads hold up nobody else', async () => {
  const own = connectHttp2(`http://127.0.0.1:${await gateway.listen()}`)
  own.on('error', () => {})
  const rowsBefore = gateway.log.stats.appended
  for (let index = 0; index < 100; index++) {
    const stream = open(INFER, {}, own)
    stream.on('error', () => {})
    stream.end(framed(requestOf(9_000)))
  }

  // Some wait too long for their turn, and are told so.
  while (gateway.log.stats.appended === rowsBefore || gateway.metrics.state.inFlight > 0) await sleep(20)

  expect(await statusOf(framed(requestOf(1)))).toBe(OK)
  own.destroy()
})
