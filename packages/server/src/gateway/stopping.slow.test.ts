import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDialects } from '../../test/dialects.ts'
import { connect } from '../../test/grpc-client.ts'
import { openConversation, requestOf, sendRaw } from '../../test/raw-http.ts'
import { HEALTH } from './doors/grpc-health.ts'
import { INFERENCE } from './doors/v2-grpc/services.ts'

/** Long enough for all that is asked meanwhile, also on a busy machine. */
const GRACE_MS = 2_000

const PATH = '/v2/models/iris-lr/infer'
const INPUTS = [{ name: 'input-0', shape: [1, 4], datatype: 'FP64', data: [5.1, 3.5, 1.4, 0.2] }]
const BODY = JSON.stringify({ inputs: INPUTS })
const KEPT = `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`

test('after SIGTERM it is not ready, answers who comes all the same, and asks them to leave', async () => {
  const own = await openDialects()
  const port = await own.listen()
  const kept = openConversation(port)
  await kept.send(KEPT)
  expect((await kept.receive()).headers.connection).toBe('keep-alive')

  const drained = own.drain(GRACE_MS)
  const probes = ['/health', '/health/ready', '/v2/health/ready', '/ping', '/health/live']
  const statuses = await Promise.all(
    probes.map(async (path) => (await sendRaw(port, requestOf('GET', path))).status),
  )
  await kept.send(KEPT)
  const last = await kept.receive()
  const fresh = openConversation(port)
  await fresh.send(KEPT)
  const first = await fresh.receive()
  await Promise.all([kept.closed, fresh.closed, drained])

  expect(statuses).toEqual([503, 503, 503, 503, 200])
  expect([last, first].map(({ status, headers }) => [status, headers.connection])).toEqual([
    [200, 'close'],
    [200, 'close'],
  ])
  await expect(sendRaw(port, requestOf('GET', '/health/live'))).rejects.toThrow(/ECONNREFUSED/)
  await own.close()
})

test('after SIGTERM connections of gRPC are told to go, and new ones are served', async () => {
  const own = await openDialects()
  const port = await own.listen()
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  await once(session, 'remoteSettings')
  const goaway = once(session, 'goaway')
  const caller = connect(port)
  const message = {
    model_name: 'iris-lr',
    inputs: [{ name: 'input-0', shape: [1, 4], datatype: 'FP64', contents: { fp64_contents: [5, 3, 1, 0] } }],
  }
  expect(await caller.call(INFERENCE.ServerReady, {})).toEqual({ ready: true })

  const drained = own.drain(GRACE_MS)
  await goaway
  const fresh = connect(port)
  const answers = []
  for (const client of [caller, fresh])
    answers.push(await client.call(HEALTH.Check, {}), await client.call(INFERENCE.ModelInfer, message))

  const infer = expect.objectContaining({ model_name: 'iris-lr' })
  expect(answers).toEqual([{ status: 2 }, infer, { status: 2 }, infer])
  await drained
  caller.close()
  fresh.close()
  session.destroy()
  await own.close()
})

test('a request that is on its way when the port is closed is answered', async () => {
  const own = await openDialects()
  const port = await own.listen()
  const conversation = openConversation(port)
  while ((await new Promise<number>((done) => own.server.getConnections((_, n) => done(n)))) === 0)
    await sleep(1)

  const drained = own.drain(0)
  // Idle connections have been looked for by now.
  await sleep(40)
  await conversation.send(KEPT)
  const answer = await conversation.receive()
  await drained

  expect([answer.status, answer.headers.connection]).toEqual([200, 'close'])
  await own.close()
})
