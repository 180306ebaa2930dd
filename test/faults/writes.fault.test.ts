import { fork } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type Running, removeFolder, startMillwright } from '../support/millwright.ts'
import { databaseUrl, findPostgres, type Postgres, startPostgres } from '../support/postgres.ts'
import { figure } from './asking.ts'
import { kill } from './server.ts'
import { inWordsOf, type Written, writeMuch } from './writing.ts'

/** Processes killed while many training programs write: what was acknowledged is there, and nothing in part. */

const CLIENTS = 64
const WRITES = 10_000
/** What that may take on a busy machine, with the check of all of it, in milliseconds. */
const PATIENCE_MS = 400_000
/** Written so many, the next fault happens. */
const FAULTS_AT = [2_000, 4_500, 7_000]

let server: Running | undefined
let postgres: Postgres | undefined
afterEach(async () => {
  await server?.stop()
  if (server !== undefined) removeFolder(server.data)
  await postgres?.stop()
  server = postgres = undefined
})

const portOf = ({ url }: Running): number => Number(new URL(url).port)

/** Does each of them, at its count of writes. */
function inTurn(faults: readonly (() => Promise<unknown> | unknown)[]) {
  const left = FAULTS_AT.map((at, i) => ({ at, fault: faults[i % faults.length]! }))
  const done: Promise<unknown>[] = []
  return {
    onWritten(count: number) {
      while (left.length > 0 && count >= left[0]!.at) done.push(Promise.resolve(left.shift()!.fault()))
    },
    done: async () => {
      await Promise.all(done)
      return left.length
    },
  }
}

/** Who is told to ask again does so. */
const unexpected = ({ others }: Written): string[] =>
  [...others.keys()].filter((said) => !said.startsWith('503'))

const killControl = () => kill(server!.pids().control[0]!)

describe('SQLite', () => {
  test(
    'control killed during 10 000 writes of 64 clients: nothing acknowledged is lost, nothing is there in part',
    async () => {
      server = await startMillwright()
      const faults = inTurn([killControl])

      const written = await writeMuch({
        ...{ port: portOf(server), clients: CLIENTS, total: WRITES },
        onWritten: faults.onWritten,
      })

      expect(await faults.done()).toBe(0)
      figure('control killed 3 times under writes', inWordsOf(written))
      expect(unexpected(written)).toEqual([])
      expect(await written.check()).toEqual([])
    },
    PATIENCE_MS,
  )

  test(
    'another program at the file: 64 clients are never told that it is locked',
    async () => {
      server = await startMillwright()
      const other = fork(join(import.meta.dirname, 'held-file.ts'), [join(server.data, 'millwright.db')])
      let turns = 0
      other.on('message', () => turns++)

      const written = await writeMuch({ port: portOf(server), clients: CLIENTS, total: 4_000 })
      other.kill('SIGKILL')

      figure('another program at the file', `${inWordsOf(written)}; it came ${turns} times`)
      expect(turns).toBeGreaterThan(0)
      expect([...written.others]).toEqual([])
      expect(await written.check()).toEqual([])
      expect(server.output()).not.toContain('locked')
    },
    PATIENCE_MS,
  )
})

const BIN = findPostgres()
if (BIN === undefined) console.warn('skipped: PostgreSQL is not installed (apt-get install postgresql)')

describe.skipIf(BIN === undefined)('PostgreSQL', () => {
  const start = async (): Promise<void> => {
    postgres = await startPostgres(BIN!, { isDurable: true })
    postgres.query('create database millwright')
    const address = databaseUrl(postgres.url, 'millwright')
    server = await startMillwright({ env: { MILLWRIGHT_DATABASE: address } })
  }
  const killBackend = (): void => {
    const pids = postgres!.query("select pid from pg_stat_activity where application_name = 'millwright'")
    kill(Number(pids.split('\n')[0]))
  }

  test.each<[string, () => readonly (() => Promise<unknown> | unknown)[]]>([
    ['control killed', () => [killControl]],
    [
      'the server killed, stopped and started again, and one of its processes killed',
      () => [
        () => postgres!.restart('SIGKILL', () => sleep(500)),
        killBackend,
        () => postgres!.restart('SIGINT', () => sleep(500)),
      ],
    ],
  ])(
    '%s during 10 000 writes of 64 clients: nothing acknowledged is lost, nothing is there in part',
    async (name, faultsOf) => {
      await start()
      const faults = inTurn(faultsOf())

      const written = await writeMuch({
        ...{ port: portOf(server!), clients: CLIENTS, total: WRITES },
        onWritten: faults.onWritten,
      })

      expect(await faults.done()).toBe(0)
      figure(`PostgreSQL, ${name} under writes`, inWordsOf(written))
      expect(unexpected(written)).toEqual([])
      expect(await written.check()).toEqual([])
    },
    PATIENCE_MS,
  )
})
