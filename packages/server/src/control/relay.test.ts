import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RELAYED, type RelayedHead } from '../channel/relayed.ts'
import { createRelay, type Relay } from '../gateway/relay.ts'
import { MLFLOW_ROUTES } from '../mlflow/door.ts'
import type { Control } from './open.ts'
import { listenForRelays } from './relay.ts'
import { openTestControl, temporaryFolder } from './testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control
let relay: Relay

beforeAll(async () => {
  folder = await temporaryFolder()
  control = await openTestControl(folder.path)
  await listenForRelays(control.relay, join(folder.path, 'relay.sock'))
  relay = createRelay(join(folder.path, 'relay.sock'))
})
afterAll(async () => {
  relay.close()
  await control.close()
  await folder[Symbol.asyncDispose]()
})

async function ask(method: string, path: string, body?: object, headers = {}) {
  const head: RelayedHead = {
    ...{ method, url: `/api/2.0/mlflow/${path}`, id: 'r' },
    headers: { host: 'localhost', 'content-type': 'application/json', ...headers },
  }
  const { code, body: answer } = await relay.ask(
    head,
    Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  )
  return { status: code, body: JSON.parse(answer.toString()) }
}

test('every relayed call is a row of the protocol, with its permission', () => {
  const rows = new Set(
    MLFLOW_ROUTES.flatMap(({ methods, path, permission }) =>
      methods.map((one) => `${one} ${path} ${permission}`),
    ),
  )
  const strange = RELAYED.map(
    ({ method, path, permission }) => `${method} ${path.split('/mlflow/')[1]} ${permission}`,
  )

  expect(strange.filter((one) => !rows.has(one))).toEqual([])
})

test('many calls at once are answered each with its own answer, as over HTTP', async () => {
  const ids = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const { body } = await ask('POST', 'runs/create', { experiment_id: '0', run_name: `n${i}` })
      return [body.run.info.run_id as string, i] as const
    }),
  )
  const names = await Promise.all(
    ids.map(async ([id]) => (await ask('GET', `runs/get?run_id=${id}`)).body.run.info.run_name),
  )
  const overHttp = await control.app.inject({ url: `/api/2.0/mlflow/runs/get?run_id=${ids[0]![0]}` })

  expect(names).toEqual(ids.map(([, i]) => `n${i}`))
  expect(overHttp.json()).toEqual((await ask('GET', `runs/get?run_id=${ids[0]![0]}`)).body)
})

test('what may not be asked is refused here too', async () => {
  expect(await ask('GET', 'runs/get?run_id=none')).toMatchObject({
    status: 404,
    body: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
  })
  expect((await ask('POST', 'runs/unknown', {})).body.error_code).toBe('ENDPOINT_NOT_FOUND')
  expect(await ask('POST', 'runs/search', {}, { host: 'evil.example' })).toMatchObject({
    status: 403,
    body: { error_code: 'PERMISSION_DENIED' },
  })
})

test('what is no frame ends its connection and no other', async () => {
  const socket = connect(join(folder.path, 'relay.sock'))
  socket.write(Buffer.alloc(64, 0xff))
  await once(socket, 'close')

  expect((await ask('GET', 'experiments/get?experiment_id=0')).status).toBe(200)
})
