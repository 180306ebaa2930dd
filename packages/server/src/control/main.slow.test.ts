import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openDatabase } from '../db/database.ts'
import { layoutOf } from '../layout.ts'
import type { ChildMessage } from '../supervisor/messages.ts'
import { temporaryFolder } from './testing.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
/** A process starts, on a machine that is busy with other tests. */
const TIMEOUT = { timeout: 30_000 }

function startControl(folder: string): ChildProcess {
  const env = { ...process.env, MILLWRIGHT_DATA: folder, MILLWRIGHT_LOG: 'error' }
  return fork(MAIN, ['control'], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

const firstMessage = async (child: ChildProcess): Promise<ChildMessage> =>
  (await once(child, 'message'))[0] as ChildMessage
const exitCode = async (child: ChildProcess): Promise<number | null> => (await once(child, 'exit'))[0]

function get(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('says that it is ready, answers on its sockets, and stops when told', TIMEOUT, async () => {
  await using folder = await temporaryFolder()
  const { controlSocket, internalSocket } = layoutOf(folder.path)
  const child = startControl(folder.path)

  const message = await firstMessage(child)
  const statuses = [await get(controlSocket, '/api/v1/status'), await get(internalSocket, '/metrics.json')]
  child.send({ type: 'stop' })

  expect(message).toEqual({ type: 'ready', hasKeys: false })
  expect(statuses).toEqual([200, 200])
  expect(await exitCode(child)).toBe(0)
})

test('ends by itself when its supervisor is gone, with a gateway waiting', TIMEOUT, async () => {
  await using folder = await temporaryFolder()
  const child = startControl(folder.path)
  await firstMessage(child)
  const waiting = get(layoutOf(folder.path).internalSocket, '/routing?after=0&gateway=g&pid=1').catch(() => 0)

  child.disconnect()

  expect(await exitCode(child)).toBe(0)
  await waiting
})

test('a data folder of a newer program is a fatal message and an exit code', TIMEOUT, async () => {
  await using folder = await temporaryFolder()
  const { database } = layoutOf(folder.path)
  await (await openDatabase(database)).destroy()
  const raw = new DatabaseSync(database)
  raw.exec("insert into kysely_migration (name, timestamp) values ('0099-later', '2030-01-01')")
  raw.close()

  const child = startControl(folder.path)
  const [message, code] = await Promise.all([firstMessage(child), exitCode(child)])

  expect(message).toMatchObject({ type: 'fatal', message: expect.stringContaining('newer Millwright') })
  expect(code).toBe(1)
})
