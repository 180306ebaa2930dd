import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { PredictAnswer } from '@millwright/contracts'
import { afterEach, expect, test } from 'vitest'
import {
  CHURN_ROW,
  cli,
  eventually,
  keepAsking,
  postJson,
  ROOT,
  type Running,
  settled,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

let server: Running | undefined
afterEach(async () => {
  await server?.stop('SIGKILL')
  server = undefined
})

const predictOnce = async (url: string): Promise<PredictAnswer> =>
  (await postJson(`${url}/api/v1/deployments/churn/predict`, { row: CHURN_ROW })).json

const startWithChurn = async (data?: string): Promise<Running> => {
  const running = await startMillwright({
    args: ['--deploy', 'examples/churn'],
    ...(data === undefined ? {} : { data }),
  })
  await eventually(
    async () =>
      (
        await fetch(`${running.url}/api/v1/deployments/churn/predict`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ row: CHURN_ROW }),
        })
      ).ok,
  )
  // The other gateway may be loading it yet.
  await settled(running)
  return running
}

test('predictions go on while control is killed, and control comes back', async () => {
  server = await startWithChurn()
  const { url, pids } = server
  const asking = keepAsking(url)
  const [control] = pids().control

  process.kill(control!, 'SIGKILL')
  await eventually(async () => pids().control[0] !== undefined && pids().control[0] !== control)
  await eventually(async () => (await cli(['status', '--json'], { url })).code === 0)
  const { asked, failures } = await asking.stop()

  expect(asked).toBeGreaterThan(50)
  expect(failures).toEqual([])
})

test('a killed gateway comes back on the same port and serves from the snapshot', async () => {
  server = await startWithChurn()
  const { url, pids } = server
  const before = pids().gateways

  for (const pid of before) process.kill(pid, 'SIGKILL')
  await eventually(async () => {
    const now = pids().gateways
    return now.length === before.length && now.every((pid) => !before.includes(pid))
  })
  const answer = await eventually(async () => predictOnce(url).catch(() => undefined))

  expect(answer.version.label).toBe('v2')
})

test('a gateway that starts while control cannot run serves the last snapshot', async () => {
  const data = temporaryFolder()
  server = await startWithChurn(data)
  const { url, pids } = server
  // A database nobody can open: control can only fail from now on.
  process.kill(pids().control[0]!, 'SIGKILL')
  renameSync(join(data, 'millwright.db'), join(data, 'millwright.db.gone'))
  mkdirSync(join(data, 'millwright.db'))
  const before = pids().gateways

  for (const pid of before) process.kill(pid, 'SIGKILL')
  await eventually(
    async () =>
      pids().gateways.length === before.length && pids().gateways.every((pid) => !before.includes(pid)),
  )
  const answer = await eventually(async () => predictOnce(url).catch(() => undefined))

  expect(answer.version.label).toBe('v2')
})

test('after kill -9 of everything, the next start serves what was deployed', async () => {
  const data = temporaryFolder()
  server = await startWithChurn(data)
  const { control, gateways } = server.pids()

  const dead = server.stop('SIGKILL')
  for (const pid of [...control, ...gateways]) process.kill(pid, 'SIGKILL')
  await dead
  server = await startMillwright({ data })

  expect((await predictOnce(server.url)).version.label).toBe('v2')
})

test('a stop finishes the requests in flight and ends with 0', async () => {
  server = await startWithChurn()
  const { url } = server
  const rows = Array.from({ length: 5_000 }, () => CHURN_ROW)
  const slow = postJson(`${url}/api/v1/deployments/churn/predict`, { rows })
  await new Promise((resolve) => setTimeout(resolve, 20))

  const code = await server.stop('SIGTERM')

  expect((await slow).status).toBe(200)
  expect(code).toBe(0)
  expect(server.pids()).toEqual({ control: [], gateways: [] })
  server = undefined
})

test('a taken port, a taken data folder and an unwritable one are said so, with what to do', async () => {
  server = await startWithChurn()
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as { port: number }

  const portTaken = await cli(['up', '--port', String(port), '--data', temporaryFolder()])
  const folderTaken = await cli(['up', '--port', '0', '--data', server.data])
  const unwritable = await cli(['up', '--port', '0', '--data', '/proc/nothing/data'])
  taken.close()

  expect([portTaken.code, folderTaken.code, unwritable.code]).toEqual([7, 7, 1])
  expect(portTaken.stderr).toMatch(/port \d+ on 127\.0\.0\.1 is in use\n {2}hint: /)
  expect(folderTaken.stderr).toContain('another millwright is running on')
  expect(unwritable.stderr).toContain('cannot be written')
})

test('a database written by a newer program is left alone', async () => {
  const data = temporaryFolder()
  server = await startWithChurn(data)
  await server.stop()
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(join(data, 'millwright.db'))
  database
    .prepare('insert into kysely_migration (name, timestamp) values (?, ?)')
    .run('9999-from-the-future', '2099')
  database.close()

  const { code, stderr } = await cli(['up', '--port', '0', '--data', data])

  expect(code).toBe(1)
  expect(stderr).toMatch(/newer/)
  server = undefined
})

test('whenever the supervisor is killed during the start, its children end too', async () => {
  const data = temporaryFolder()
  const launcher = join(ROOT, 'bin/millwright.js')
  for (const afterMs of [120, 200, 280, 360, 440, 520]) {
    const args = [launcher, 'up', '--port', '0', '--data', data, '--gateways', '2']
    const supervisor = spawn(process.execPath, args, { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    supervisor.kill('SIGKILL')

    await eventually(async () => processesOf(data).length === 0)
  }
})

/** Processes that were given this data folder. */
function processesOf(data: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MILLWRIGHT_DATA=${data}\0`)
      )
    } catch {
      return false
    }
  })
}
