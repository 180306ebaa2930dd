import { connect as connectHttp2, constants } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { eventually } from '../support/millwright.ts'
import { type Attack, expectRefusals, plainPost, type Refusal } from './attack.ts'
import { BODY, JSON_BODY, PREDICT, ROW, SHORT, type Target } from './target.ts'

/** S45, S46: connections that dawdle, flood or mean two things. */

/** Another address of this machine, so that its limits are not those of who asks normally. */
const ATTACKER = '127.0.0.66'

type Held = { readonly sockets: readonly Socket[]; readonly open: () => number; readonly close: () => void }

/** So many connections of an attacker, each of which says something, or nothing. */
function hold({ port }: Target, count: number, say: string | Buffer = ''): Held {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKER })
    socket.on('error', () => {})
    if (say.length > 0) socket.write(say)
    return socket
  })
  return {
    sockets,
    open: () => sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length,
    close: () => sockets.forEach((socket) => void socket.destroy()),
  }
}

/** Nobody waits for them, and they are closed in the time they have. */
async function expectClosed(target: Target, held: Held): Promise<void> {
  for (const socket of held.sockets) socket.resume()
  const { status } = await target.ask('POST', PREDICT, JSON_BODY)
  expect(status).toBe(200)
  await eventually(async () => held.open() === 0, 30_000)
  held.close()
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const HEADERS = 1
const [RST_STREAM, SETTINGS, PING, CONTINUATION, WINDOW_UPDATE, PRIORITY] = [3, 4, 6, 9, 8, 2]
/** POST / of a scheme, by the static table of HPACK. */
const POST_ROOT = Buffer.from([0x83, 0x86, 0x84])

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const many = (count: number, one: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => one(index)))

const FLOODS: Readonly<Record<string, Buffer>> = {
  'rapid reset': many(20_000, (i) =>
    Buffer.concat([
      frame(HEADERS, 0x4, 2 * i + 1, POST_ROOT),
      frame(RST_STREAM, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8])),
    ]),
  ),
  'streams without end': many(20_000, (i) => frame(HEADERS, 0x4, 2 * i + 1, POST_ROOT)),
  CONTINUATION: Buffer.concat([
    frame(HEADERS, 0, 1, POST_ROOT),
    many(20_000, () => frame(CONTINUATION, 0, 1, Buffer.alloc(100, 0x40))),
  ]),
  PING: many(100_000, () => frame(PING, 0, 0, Buffer.alloc(8))),
  SETTINGS: many(100_000, () => frame(SETTINGS, 0, 0)),
  'empty DATA': Buffer.concat([frame(HEADERS, 0x4, 1, POST_ROOT), many(100_000, () => frame(0, 0, 1))]),
  PRIORITY: many(100_000, (i) => frame(PRIORITY, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 16]))),
  'windows beyond 2^31': many(10, () => frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
  'a frame of 16 MiB': frame(0, 0, 1, Buffer.alloc(0xff_ff_ff)),
  'no HTTP/2 at all': Buffer.alloc(100_000, 0xff),
}

/** A client that speaks HTTP/2 as it should, on a connection of its own. */
async function grpcAnswers({ port }: Target): Promise<number> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/inference.GRPCInferenceService/ServerLive',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  stream.end(Buffer.alloc(5))
  const status = await new Promise<number>((resolve, reject) => {
    stream.on('response', (headers) => resolve(Number(headers[':status'])))
    stream.on('error', reject)
  })
  session.destroy()
  return status
}

const DOUBLE = 'GET /api/v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n'
const framed = (lines: string): string =>
  `POST ${PREDICT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${lines}\r\n\r\n0\r\n\r\n${DOUBLE}`

const AMBIGUOUS: Readonly<Record<string, string>> = {
  'two lengths': 'content-length: 5\r\ncontent-length: 6',
  'the same length twice, in one': 'content-length: 5, 5',
  'a length and chunks': 'content-length: 5\r\ntransfer-encoding: chunked',
  'chunks and a length': 'transfer-encoding: chunked\r\ncontent-length: 5',
  'chunks twice': 'transfer-encoding: chunked\r\ntransfer-encoding: identity',
  'an unknown coding': 'transfer-encoding: xchunked',
  'chunks that are not last': 'transfer-encoding: chunked, gzip',
  'a folded line': 'transfer-encoding:\r\n chunked',
  'a space before the colon': 'transfer-encoding : chunked',
  'a tab before the colon': 'content-length\t: 5',
  'a vertical tab': 'transfer-encoding:\x0bchunked',
  'NUL in a name': 'transfer\0-encoding: chunked',
  'a bare line feed': 'x: y\ntransfer-encoding: chunked',
  'a bare carriage return': 'x: y\rtransfer-encoding: chunked',
  'a sign': 'content-length: +5',
  'in base 16': 'content-length: 0x5',
}

export const CONNECTIONS: readonly Attack[] = [
  {
    number: 45,
    words: 'who dawdles, hoards or floods has his time and his share, and nobody waits for him',
    run: async (target) => {
      const half = plainPost(PREDICT, BODY)
      const rows = plainPost(PREDICT, `{"rows":[${Array(10_000).fill(ROW).join(',')}]}`)
      await expectClosed(target, hold(target, 60))
      await expectClosed(target, hold(target, 60, 'POST /predict HTTP/1.1\r\nhost: loc'))
      await expectClosed(target, hold(target, 60, half.slice(0, -20)))
      await expectClosed(target, hold(target, 60, half))
      const drip = hold(target, 10, 'POST /predict HTTP/1.1\r\nhost: localhost\r\n')
      const dripping = setInterval(() => drip.sockets.forEach((socket) => void socket.write('x: y\r\n')), 200)
      await expectClosed(target, drip)
      clearInterval(dripping)

      // Answers of a megabyte that nobody reads; the descriptors tell whether they were given up.
      const unread = hold(target, 20, rows.repeat(3))
      for (const socket of unread.sockets) socket.pause()
      for (let i = 0; i < 5; i++) expect((await target.ask('POST', PREDICT, JSON_BODY)).status).toBe(200)
      unread.close()

      const flood = hold(target, 5 * SHORT.connections)
      for (const socket of flood.sockets) socket.resume()
      // Two gateways, each with a share for every address.
      await eventually(async () => flood.open() <= 2 * SHORT.connections)
      expect((await target.ask('POST', PREDICT, JSON_BODY)).status).toBe(200)
      await expectClosed(target, flood)

      for (const [name, bytes] of Object.entries(FLOODS)) {
        const held = hold(target, 3, Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), bytes]))
        expect((await target.ask('POST', PREDICT, JSON_BODY)).status, name).toBe(200)
        expect(await grpcAnswers(target), name).toBe(200)
        held.close()
      }
      const pipelined = await target.send(plainPost(PREDICT, BODY).repeat(2_000), {
        answers: 2_000,
        quietMs: 20_000,
      })
      expect(pipelined.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
      expect(pipelined).toHaveLength(2_000)
    },
  },
  {
    number: 46,
    words: 'a request that ends at two places is refused, and no second one is seen in it',
    run: (targets) =>
      expectRefusals(
        targets,
        Object.entries(AMBIGUOUS).map(([what, lines]): Refusal => [what, framed(lines), 400]),
      ),
  },
]
