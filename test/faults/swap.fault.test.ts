import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CHURN_ROW } from '../support/millwright.ts'
import { failed, figure, inWords, versionOf } from './asking.ts'
import { kill, type Serving, startServing } from './server.ts'

/** A candidate that answers everybody is taken back, and something dies as soon as that is decided. */
let server: Serving
beforeEach(async () => {
  server = await startServing()
})
afterEach(() => server.end())

/** With somebody whom it is about: others are not in a rollout. */
const bodyOf = (n: number) => ({ row: CHURN_ROW, subject: `CUST_${n}` })
const epoch = (): number =>
  (JSON.parse(readFileSync(join(server.data, 'routing.json'), 'utf8')) as { epoch: number }).epoch

const BLOWS: readonly (readonly [string, () => void])[] = [
  ['nothing dies', () => {}],
  ['control is killed', () => kill(server.pids().control[0]!)],
  ['a gateway is killed', () => kill(server.pids().gateways[0]!)],
  [
    'the database is removed',
    () => {
      for (const suffix of ['', '-wal', '-shm'])
        rmSync(join(server.data, `millwright.db${suffix}`), { force: true })
    },
  ],
]

test.each(BLOWS)(
  'taken back while %s: nobody fails, and nobody is answered by it afterwards',
  async (name, blow) => {
    expect((await server.change('rollout', { version: 2, weight: 100 })).status).toBe(200)
    const asking = server.predictions({ bodyOf, perSecond: 200, tries: 6 })
    await sleep(500)
    const before = epoch()
    const sentAt = performance.now()
    const aborting = server.change('abort')
    while (epoch() === before) await sleep(1)
    const decidedAt = performance.now()
    blow()
    const { status } = await aborting
    await sleep(1_500)
    const answers = await asking.stop()
    const later = server.predictions({ bodyOf, tries: 6 })
    await sleep(300)
    const afterwards = await later.stop()

    const old = answers.filter((answer) => versionOf(answer) === 2)
    const lastAt = Math.max(...old.map(({ doneAt }) => doneAt))
    figure(
      `taken back while ${name}`,
      `last answer of it ${(lastAt - sentAt).toFixed(0)} ms after the command was sent, ${Math.max(0, lastAt - decidedAt).toFixed(0)} ms after it was decided; the command: ${status || 'no answer'}; ${inWords(answers)}`,
    )
    expect(old.length).toBeGreaterThan(0)
    expect(failed([...answers, ...afterwards])).toEqual([])
    expect(new Set(afterwards.map(versionOf))).toEqual(new Set([1]))
  },
)
