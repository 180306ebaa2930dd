import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, settled } from '../support/millwright.ts'
import { type Answer, failed, figure, inWords } from './asking.ts'
import { kill, type Serving, startServing } from './server.ts'

/** Processes that are there and do nothing (SIGSTOP), under load. */

const STANDSTILL_MS = 3_000
let server: Serving
beforeAll(async () => {
  server = await startServing({ env: { MILLWRIGHT_STANDSTILL_MS: String(STANDSTILL_MS) } })
})
afterAll(() => server.end())

/** Callers that have connections of their own, so that some are at each gateway. */
function startCallers() {
  const callers = Array.from({ length: 16 }, () => server.predictions({ perSecond: 10, tries: 6 }))
  return { stop: () => Promise.all(callers.map((caller) => caller.stop())) }
}

async function restartsOf(process: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })).text()
  const label = `process="${process}",reason="standstill"`
  return Number(new RegExp(`_process_restarts_total\\{${label}\\} (\\d+)`).exec(text)?.[1] ?? 0)
}

const all = (): number[] => {
  const { control, gateways } = server.pids()
  return [...control, ...gateways]
}

/** Stops a process; resolves once another has taken its place, with how long the first one was there, in milliseconds. */
async function standStill(pid: number): Promise<number> {
  kill(pid, 'SIGSTOP')
  const stoppedAt = performance.now()
  await eventually(async () => !all().includes(pid), 30_000)
  const goneMs = performance.now() - stoppedAt
  await eventually(async () => all().length === 3)
  await settled(server)
  return goneMs
}

const longestMs = (answers: readonly Answer[]): string =>
  Math.max(...answers.map(({ sentAt, doneAt }) => doneAt - sentAt)).toFixed(0)

test('a control that stands still is replaced, and no prediction notices', async () => {
  const [pid] = server.pids().control
  const asking = server.predictions()
  await sleep(500)
  const goneMs = await standStill(pid!)

  const answers = await asking.stop()

  figure('control stands still', `${inWords(answers)}; ended after ${goneMs.toFixed(0)} ms`)
  expect(failed(answers)).toEqual([])
  expect(server.output()).toContain(`! control stood still for ${STANDSTILL_MS} ms and was ended`)
  expect(await restartsOf('control')).toBe(1)
})

test('a gateway that stands still is replaced: who is at it is told by a reset and answered when asked again, others never notice', async () => {
  const [, pid] = server.pids().gateways
  const callers = startCallers()
  await sleep(500)
  const goneMs = await standStill(pid!)

  const ofCallers = await callers.stop()

  const answers = ofCallers.flat()
  const others = answers.filter(({ tries }) => tries === 1)
  const undisturbed = ofCallers.filter((own) => own.every(({ tries }) => tries === 1))
  figure(
    'a gateway stands still',
    `${inWords(answers)}; ended after ${goneMs.toFixed(0)} ms; longest answer ${longestMs(answers)} ms, at the first try ${longestMs(others)} ms; ${undisturbed.length} of ${ofCallers.length} callers undisturbed`,
  )
  expect(failed(answers)).toEqual([])
  expect(undisturbed.length).toBeGreaterThan(0)
  expect(undisturbed.length).toBeLessThan(ofCallers.length)
  expect(server.output()).toMatch(/! gateway \d stood still for 3000 ms and was ended/)
  expect(await restartsOf('gateway')).toBe(1)
})

test('a machine that sleeps ends nobody', async () => {
  const before = server.pids()
  const supervisor = server.child.pid!
  const children = all()
  for (const pid of [supervisor, ...children]) kill(pid, 'SIGSTOP')
  await sleep(2 * STANDSTILL_MS)
  kill(supervisor, 'SIGCONT')
  await sleep(STANDSTILL_MS / 3)
  for (const pid of children) kill(pid, 'SIGCONT')
  const asking = server.predictions()
  await sleep(STANDSTILL_MS)

  const answers = await asking.stop()

  figure('asleep for six seconds', inWords(answers))
  expect(failed(answers)).toEqual([])
  expect(server.pids()).toEqual(before)
})
