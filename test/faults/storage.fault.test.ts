import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cli, eventually, settled } from '../support/millwright.ts'
import { failed, figure, inWords, versionOf } from './asking.ts'
import { kill, type Serving, startAgain, startServing } from './server.ts'

/** Files of the data folder taken away, held, damaged and put back, under load. */
let server: Serving
beforeEach(async () => {
  server = await startServing()
})
afterEach(() => server.end())

const database = (): string => join(server.data, 'millwright.db')
const routing = (): string => join(server.data, 'routing.json')
const said = (pattern: RegExp) => eventually(async () => pattern.test(server.output()), 20_000)

/** Removes the database; what it was can be put back. */
function loseDatabase(): { putBack(): void } {
  const copy = `${database()}.backup`
  const open = new DatabaseSync(database())
  open.exec(`vacuum into '${copy}'`)
  open.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${database()}${suffix}`, { force: true })
  return { putBack: () => renameSync(copy, database()) }
}

describe('the database', () => {
  test('lost while serving and when control starts again: predictions go on, nothing is forgotten, a backup heals', async () => {
    const asking = server.predictions()
    const { putBack } = loseDatabase()
    await sleep(300)
    kill(server.pids().control[0]!)
    await said(/the database was lost/)
    const before = await asking.stop()
    const gateway = server.pids().gateways[0]!
    kill(gateway)
    await eventually(
      async () => server.pids().gateways.length === 2 && !server.pids().gateways.includes(gateway),
    )
    const without = server.predictions({ tries: 6 })
    await sleep(500)
    putBack()
    await settled(server)
    const after = await without.stop()
    const promoted = await server.change('promote', { version: 2 })

    figure('database lost', `${inWords(before)}; a gateway killed meanwhile: ${inWords(after)}`)
    expect(failed([...before, ...after])).toEqual([])
    expect(promoted.status).toBe(200)
  })

  test('damaged: control says so and cannot go on, predictions do; at a start it is said and nothing is written over it', async () => {
    const whole = readFileSync(database())
    const asking = server.predictions()
    kill(server.pids().control[0]!)
    for (const suffix of ['-wal', '-shm']) rmSync(`${database()}${suffix}`, { force: true })
    const damaged = Buffer.from(whole).fill(0xa5, 0, 4096)
    writeFileSync(database(), damaged)
    await said(/file is not a database|malformed/)
    const answers = await asking.stop()
    await server.stop()
    const start = await cli(['up', '--port', '0', '--data', server.data])

    figure('database damaged', inWords(answers))
    expect(failed(answers)).toEqual([])
    expect(start.code).toBe(1)
    expect(start.stderr).toContain('file is not a database')
    expect(readFileSync(database()).equals(damaged)).toBe(true)
  })

  test('held by another program: a change is refused or made, predictions go on, and afterwards changes are made', async () => {
    const holder = new DatabaseSync(database())
    holder.exec('begin immediate')
    const asking = server.predictions()
    const refused = await server.change('promote', { version: 2 })
    holder.exec('rollback')
    holder.close()
    const made = await server.change('promote', { version: 2 })
    const answers = await asking.stop()

    figure('database held', `${inWords(answers)}; the change: ${refused.status}, afterwards ${made.status}`)
    expect(failed(answers)).toEqual([])
    expect([refused.status, made.status]).toEqual([503, 200])
    expect(versionOf(answers.at(-1)!)).toBe(2)
  })
})

describe('routing.json', () => {
  const damages: readonly (readonly [string, (text: string) => string])[] = [
    ['truncated', (text) => text.slice(0, text.length / 2)],
    ['garbage', () => '\u0000\u0001 not JSON'],
    [
      'older',
      (text) => text.replace(/"epoch":\d+/, '"epoch":1').replace('"deployments":[', '"deployments":[],"x":['),
    ],
  ]

  test.each(damages)(
    '%s while serving, and a gateway starts: whoever asks again is answered',
    async (name, damage) => {
      const asking = server.predictions({ tries: 6 })
      writeFileSync(routing(), damage(readFileSync(routing(), 'utf8')))
      await sleep(300)
      for (const pid of server.pids().gateways) {
        kill(pid)
        await eventually(
          async () => server.pids().gateways.length === 2 && !server.pids().gateways.includes(pid),
        )
        await settled(server)
      }
      const answers = await asking.stop()

      figure(`routing.json ${name}`, inWords(answers))
      expect(failed(answers)).toEqual([])
      expect(JSON.parse(readFileSync(routing(), 'utf8'))).toMatchObject({ deployments: [{ name: 'churn' }] })
    },
  )
})

describe('a program in the blob store', () => {
  type Routed = { readonly deployments: readonly { readonly version: { readonly program: string } }[] }
  const programOf = (): string => {
    const { program } = (JSON.parse(readFileSync(routing(), 'utf8')) as Routed).deployments[0]!.version
    return join(server.data, 'blobs/sha256', program.slice(0, 2), program.slice(2))
  }

  test.each([
    ['damaged', (path: string) => writeFileSync(path, readFileSync(path).fill(0, 100, 200))],
    ['missing', (path: string) => rmSync(path)],
  ])(
    '%s at a swap: the change says so, what serves is not disturbed, a whole one heals',
    async (name, damage) => {
      await server.change('promote', { version: 2 })
      const path = programOf()
      await server.change('promote', { version: 1 })
      copyFileSync(path, `${path}.backup`)
      const { data } = server
      await server.stop()
      damage(path)
      server = await startAgain(data)
      const asking = server.predictions()

      const broken = await server.change('promote', { version: 2 })
      await sleep(300)
      const meanwhile = await asking.stop()
      const gateways = server.pids().gateways.length
      renameSync(`${path}.backup`, path)
      const back = await server.change('rollback')

      figure(`program ${name} at a swap`, `${inWords(meanwhile)}; the change: ${broken.status}`)
      expect(failed(meanwhile)).toEqual([])
      expect(new Set(meanwhile.map(versionOf))).toEqual(new Set([1]))
      expect([broken.status, gateways, back.status]).toEqual([504, 2, 200])
    },
  )

  test('missing when a gateway starts: it says so, the others go on, and it serves when the file is back', async () => {
    const path = programOf()
    renameSync(path, `${path}.backup`)
    const asking = server.predictions({ tries: 6 })
    kill(server.pids().gateways[0]!)
    await said(/cannot be taken up/)
    await sleep(500)
    renameSync(`${path}.backup`, path)
    await sleep(2_000)
    const answers = await asking.stop()

    figure('program missing when a gateway starts', inWords(answers))
    expect(failed(answers)).toEqual([])
  })
})
