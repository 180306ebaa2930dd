import { afterAll, beforeAll, expect, test } from 'vitest'
import { INFERENCE } from '../../packages/server/src/gateway/doors/v2-grpc/services.ts'
import { connect, type Failure } from '../../packages/server/test/grpc-client.ts'
import {
  CHURN_ROW,
  cli,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

/** Loading and unloading, as clients of Triton, KServe and MLServer ask for it. */

const data = temporaryFolder()
let server: Running

beforeAll(async () => {
  server = await startMillwright({ data })
  const deployed = await cli(['deploy', 'examples/churn'], { url: server.url })
  expect(deployed.code).toBe(0)
})
afterAll(async () => {
  await server.stop()
  removeFolder(data)
})

/** On a connection of its own, so that every gateway is asked. */
async function ask(method: string, path: string, body?: unknown) {
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const answer = await fetch(`${server.url}${path}`, {
    ...{ method, headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, text, json: () => JSON.parse(text) }
}
const change = (to: string, name = 'churn', body: unknown = {}) =>
  ask('POST', `/v2/repository/models/${name}/${to}`, body)
const statuses = async (): Promise<number[]> => {
  const asked = Array.from({ length: 8 }, () =>
    ask('POST', '/api/v1/deployments/churn/predict', { row: CHURN_ROW }),
  )
  return [...new Set((await Promise.all(asked)).map(({ status }) => status))]
}
const entry = async () =>
  (await ask('POST', '/v2/repository/index')).json().find(({ name }: { name: string }) => name === 'churn')

test('an unloaded deployment answers nobody, on no gateway, until it is loaded', async () => {
  expect(await change('unload', 'churn', { parameters: { unload_dependents: false } })).toMatchObject({
    ...{ status: 200, text: '' },
  })
  expect(await statuses()).toEqual([404])
  expect(await entry()).toMatchObject({ state: 'UNAVAILABLE', reason: 'unloaded' })
  const refused = await ask('POST', '/predict', CHURN_ROW)
  expect(refused.json().error ?? refused.json().detail).toContain('millwright load churn')
  expect((await ask('GET', '/v2/models/churn/ready')).status).toBe(404)
  expect((await ask('GET', '/health/ready')).status).toBe(200)
  // Again changes nothing.
  expect((await change('unload')).status).toBe(200)

  expect(await change('load')).toMatchObject({ status: 200, text: '' })
  expect(await statuses()).toEqual([200])
  expect(await entry()).toMatchObject({ state: 'READY' })
  const { stdout } = await cli(['events', '--json'], { url: server.url })
  const events = JSON.parse(stdout).data ?? JSON.parse(stdout)
  expect(events.slice(0, 2).map(({ type }: { type: string }) => type)).toEqual([
    'deployment.loaded',
    'deployment.unloaded',
  ])
})

test('it stays unloaded over a restart', async () => {
  await cli(['unload', 'churn', '--reason', 'not now'], { url: server.url })
  await server.stop()
  server = await startMillwright({ data })

  expect(await statuses()).toEqual([404])
  const status = await cli(['status'], { url: server.url })
  expect(status.stdout).toContain('churn@1 unloaded')
  const loaded = await cli(['load', 'churn'], { url: server.url })
  expect(loaded).toMatchObject({ code: 0, stderr: expect.stringContaining('serves') })
  expect(await statuses()).toEqual([200])
  // Who promotes a version wants it served.
  await cli(['unload', 'churn'], { url: server.url })
  await cli(['promote', 'churn', '1'], { url: server.url })
  expect(await statuses()).toEqual([200])
})

test('the same over gRPC', async () => {
  const client = connect(Number(new URL(server.url).port))
  const name = { model_name: 'churn' }

  expect(await client.call(INFERENCE.RepositoryModelUnload, name)).toMatchObject({ isUnloaded: true })
  expect(await statuses()).toEqual([404])
  expect((await client.call(INFERENCE.ModelMetadata, { name: 'churn' })) as Failure).toMatchObject({
    code: 5,
  })
  expect(await client.call(INFERENCE.RepositoryModelLoad, name)).toMatchObject({ isLoaded: true })
  expect(await statuses()).toEqual([200])
  client.close()
})

test('what cannot be done is told in the dialect', async () => {
  const [nobody, override] = [
    await change('load', 'nobody'),
    await change('load', 'churn', { parameters: { config: '{}' } }),
  ]

  expect(nobody).toMatchObject({ status: 404 })
  expect(nobody.json().error).toContain('nobody')
  expect(override.status).toBe(501)
  expect(override.json().error).toContain('millwright deploy')
})
