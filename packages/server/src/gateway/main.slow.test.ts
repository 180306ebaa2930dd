import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CHURN_ROW, createDataFolder, removeDataFolder } from '../../test/gateway.ts'
import { requestOf, sendRaw } from '../../test/raw-http.ts'
import { listSegments } from '../segments/reader.ts'

/** Real processes: `millwright control` and `millwright gateway` over one data folder. */

const ENTRY = fileURLToPath(new URL('../main.ts', import.meta.url))
const EXAMPLE = fileURLToPath(new URL('../../../../examples/churn/', import.meta.url))

let layout: Awaited<ReturnType<typeof createDataFolder>>
const children = new Set<ChildProcess>()

beforeEach(async () => {
  layout = await createDataFolder()
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await removeDataFolder(layout)
})

async function start(role: 'control' | 'gateway', port = 0) {
  const env = {
    ...process.env,
    MILLWRIGHT_DATA: layout.root,
    MILLWRIGHT_PORT: String(port),
    MILLWRIGHT_GATEWAYS: '1',
    MILLWRIGHT_GATEWAY_SLOT: '0',
    MILLWRIGHT_LOG: 'error',
  }
  const child = fork(ENTRY, [role], { env, stdio: 'inherit' })
  children.add(child)
  const exited = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    return { code, signal }
  })
  const [message] = await once(child, 'message')
  return { child, exited, message: message as { type: string; port: number; message?: string } }
}

async function call(port: number, method: string, path: string, body?: object | Buffer) {
  const isBytes = Buffer.isBuffer(body)
  const type = isBytes ? 'application/octet-stream' : 'application/json'
  const payload = body === undefined ? '' : isBytes ? body : JSON.stringify(body)
  const headers = body === undefined ? [] : [`Content-Type: ${type}`]
  const answer = await sendRaw(port, requestOf(method, path, { headers, body: payload }))
  return { status: answer.status, json: answer.body === '' ? undefined : JSON.parse(answer.body) }
}

async function addVersion(port: number, label: 'v2' | 'v3'): Promise<void> {
  const filename = `churn_model_${label}.pkl`
  const { json } = await call(
    port,
    'PUT',
    '/api/v1/uploads',
    await readFile(join(EXAMPLE, 'models', filename)),
  )
  const added = await call(port, 'POST', '/api/v1/models/churn/versions', { digest: json.digest, filename })
  expect(added.json).toMatchObject({ state: 'READY' })
}

async function deployExample(port: number): Promise<void> {
  const { name, decision, respond } = JSON.parse(await readFile(join(EXAMPLE, 'deployment.json'), 'utf8'))
  const made = await call(port, 'POST', '/api/v1/deployments', {
    ...{ name, decision, respond },
    model: 'churn',
    version: 1,
    default: true,
  })
  expect(made).toMatchObject({ status: 201 })
}

const servedVersion = async (port: number): Promise<string> =>
  (await call(port, 'POST', '/predict', CHURN_ROW)).json.model_version

describe('a gateway and control', { timeout: 60_000 }, () => {
  test('deploy, promote and roll back through the gateway’s port, each taken up when it is answered', async () => {
    const [{ message }] = await Promise.all([start('gateway'), start('control')])
    const { port } = message
    await addVersion(port, 'v2')
    await addVersion(port, 'v3')
    await deployExample(port)
    const seen = [await servedVersion(port)]

    await call(port, 'PATCH', '/api/v1/deployments/churn', { version: 2 })
    seen.push(await servedVersion(port))
    await call(port, 'POST', '/api/v1/deployments/churn/rollback', {})
    seen.push(await servedVersion(port))

    expect(seen).toEqual(['v2', 'v3', 'v2'])
  })

  test('the gateway answers with control killed, and starts again without it', async () => {
    const [gateway, control] = await Promise.all([start('gateway'), start('control')])
    await addVersion(gateway.message.port, 'v2')
    await deployExample(gateway.message.port)
    control.child.kill('SIGKILL')
    await control.exited

    const during = await servedVersion(gateway.message.port)
    gateway.child.kill('SIGKILL')
    await gateway.exited
    const again = await start('gateway')

    expect([during, await servedVersion(again.message.port)]).toEqual(['v2', 'v2'])
    expect((await call(again.message.port, 'GET', '/api/v1/models')).json.code).toBe('CONTROL_UNAVAILABLE')
    expect((await sendRaw(again.message.port, requestOf('GET', '/metrics'))).status).toBe(200)
  })

  test('a gateway that is told to stop seals its log and exits with 0', async () => {
    const [gateway] = await Promise.all([start('gateway'), start('control')])
    await addVersion(gateway.message.port, 'v2')
    await deployExample(gateway.message.port)
    await servedVersion(gateway.message.port)

    gateway.child.send({ type: 'stop' })

    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    const left = await readdir(join(layout.segments, '0')).catch((): string[] => [])
    expect(left.filter((name) => name.endsWith('.open'))).toEqual([])
  })
})

test('a gateway whose supervisor dies ends by itself', async () => {
  const gateway = await start('gateway')

  gateway.child.disconnect()

  expect(await gateway.exited).toEqual({ code: 0, signal: null })
})

test('a port that is taken is told to the supervisor in words', async () => {
  const first = await start('gateway')
  const second = await start('gateway', first.message.port)

  expect(second.message).toMatchObject({ type: 'fatal', message: expect.stringContaining('is taken') })
  expect(await second.exited).toMatchObject({ code: 1 })
  expect(await listSegments(layout.segments)).toEqual([])
})
