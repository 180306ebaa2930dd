import { readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseIn } from '../db/testing.ts'
import { layoutOf } from '../layout.ts'
import { RoutingSnapshot } from '../routing/snapshot.ts'
import type { Control } from './open.ts'
import { addChurn, ask, openTestControl, temporaryFolder } from './testing.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let control: Control
let socketPath: string

beforeEach(async () => {
  folder = await temporaryFolder()
  socketPath = join(folder.path, 'internal.sock')
  control = await openTestControl(folder.path, { ackTimeoutMs: 500 })
  await control.internal.listen({ path: socketPath })
  await addChurn(control.app, 'v2')
  await addChurn(control.app, 'v3')
})
afterEach(async () => {
  await control.close()
  await folder[Symbol.asyncDispose]()
})

const readRouting = async () =>
  RoutingSnapshot.parse(JSON.parse(await readFile(layoutOf(folder.path).routing, 'utf8')))
const deploy = () =>
  ask(control.app, 'POST', '/api/v1/deployments', { name: 'churn', model: 'churn', version: 1 })
const promote = (version: number) =>
  ask(control.app, 'POST', '/api/v1/deployments/churn/promote', { version })

/** What a gateway says over the internal socket. */
function say(method: string, path: string, options: { body?: object; signal?: AbortSignal } = {}) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const asked = request({ socketPath, method, path, headers, ...options }, (answer) => {
      let body = ''
      answer.on('data', (chunk) => {
        body += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, body }))
    })
    asked.on('error', reject)
    asked.end(options.body && JSON.stringify(options.body))
  })
}
const poll = (after: number, gateway = 'g', signal?: AbortSignal) =>
  say('GET', `/routing?after=${after}&gateway=${gateway}&pid=1`, signal && { signal })
const ack = (epoch: number, details: object = {}) =>
  say('POST', '/ack', { body: { gateway: 'g', pid: 1, epoch, state: 'serving', ...details } })

test('without gateways a change does not wait', async () => {
  expect((await deploy()).status).toBe(201)
})

test('a change wakes the poll of a gateway and answers once it acked', async () => {
  await deploy()
  const { epoch } = await readRouting()
  await ack(epoch)
  const woken = poll(epoch)
  let promoted = false

  const change = promote(2).then((answer) => {
    promoted = true
    return answer
  })
  const { status, body } = await woken
  const beforeAck = promoted
  await ack(epoch + 1)

  expect([status, JSON.parse(body)]).toEqual([200, { epoch: epoch + 1 }])
  expect(beforeAck).toBe(false)
  expect((await change).status).toBe(200)
  expect(await readRouting()).toMatchObject({ epoch: epoch + 1, deployments: [{ version: { number: 2 } }] })
})

test('a control that just started waits for the gateways it should have', async () => {
  await deploy()
  await control.close()
  control = await openTestControl(folder.path, { ackTimeoutMs: 5_000, expectedGateways: 1 })
  await control.internal.listen({ path: socketPath })
  const { epoch } = await readRouting()
  let promoted = false

  const change = promote(2).then((answer) => {
    promoted = true
    return answer
  })
  await expect.poll(async () => (await readRouting()).epoch).toBe(epoch + 1)
  const beforeAck = promoted
  await ack(epoch + 1)

  expect([beforeAck, (await change).status]).toEqual([false, 200])
})

test('a gateway that does not follow is told of, and the change stands', async () => {
  await deploy()
  await ack(1)

  const answer = await promote(2)

  expect(answer.body).toMatchObject({ code: 'GATEWAYS_NOT_ACKED', retryable: true })
  expect(await readRouting()).toMatchObject({ deployments: [{ version: { number: 2 } }] })
})

test('a gateway that followed but could not load is counted as missing', async () => {
  await deploy()
  await ack(1)

  const change = promote(2)
  await expect.poll(async () => (await readRouting()).deployments[0]?.version.number).toBe(2)
  await ack((await readRouting()).epoch, { error: 'deployment "churn": program is damaged' })

  expect((await change).body).toMatchObject({ code: 'GATEWAYS_NOT_ACKED' })
})

test('a gateway whose poll breaks off is not waited for', async () => {
  await deploy()
  const { epoch } = await readRouting()
  const gone = new AbortController()
  const broken = poll(epoch, 'g', gone.signal).catch(() => 'broken')
  await expect.poll(async () => (await gateways())[0]?.state).toBe('loading')
  gone.abort()
  await broken
  await expect.poll(async () => (await gateways())[0]?.state).toBe('lost')

  const answer = await promote(2)

  expect(answer.status).toBe(200)
})

const gateways = async () => {
  const { body } = await ask(control.app, 'GET', '/api/v1/status')
  return body.gateways as { state: string }[]
}

test('a poll behind the epoch is answered at once', async () => {
  await deploy()

  expect((await poll(0)).status).toBe(200)
})

test('the epoch outlives the process and a lost or damaged file', async () => {
  await deploy()
  const before = await readRouting()
  await control.close()
  await writeFile(layoutOf(folder.path).routing, '{"format":1,"epo')

  control = await openTestControl(folder.path)

  expect(await readRouting()).toMatchObject({ epoch: before.epoch, deployments: before.deployments })
})

test('a database put back from a backup goes on above the epoch of the file', async () => {
  await deploy()
  const before = await readRouting()
  await control.close()
  await writeFile(layoutOf(folder.path).routing, JSON.stringify({ ...before, epoch: 40, deployments: [] }))

  control = await openTestControl(folder.path)

  expect(await readRouting()).toMatchObject({ epoch: 41, deployments: before.deployments })
})

test('a file that was damaged or put back is written again before a gateway reads it', async () => {
  await deploy()
  const before = await readRouting()
  const { routing } = layoutOf(folder.path)

  for (const text of ['{"format":1,"epo', JSON.stringify({ ...before, epoch: 0, deployments: [] })]) {
    await writeFile(routing, text)
    await poll(0)
    expect(await readRouting()).toMatchObject({ epoch: before.epoch, deployments: before.deployments })
  }
  await writeFile(routing, JSON.stringify({ ...before, epoch: 40, deployments: [] }))
  await poll(before.epoch)

  expect(await readRouting()).toMatchObject({ epoch: 41, deployments: before.deployments })
})

test('a lost database is not replaced by an empty one while gateways serve', async () => {
  await deploy()
  const before = await readRouting()
  await control.close()
  const lost = await databaseIn(`${folder.path}/lost`)

  await expect(openTestControl(folder.path, { database: lost })).rejects.toThrow(
    /(millwright.db|postgres:..[^@]+) is missing or empty, but .*routing.json serves ".+": .* Put it back from a backup/,
  )
  control = await openTestControl(folder.path)

  expect(await readRouting()).toMatchObject({ epoch: before.epoch, deployments: before.deployments })
})

test('the public API does not reach the channel of gateways', async () => {
  const reply = await control.app.inject({ method: 'GET', url: '/routing?after=0&gateway=g&pid=1' })

  expect(reply.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' })
})
