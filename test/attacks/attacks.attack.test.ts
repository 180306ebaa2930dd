import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/millwright.ts'
import { ARTIFACTS } from './artifacts.ts'
import type { Attack } from './attack.ts'
import { COMMAND_LINE } from './command-line.ts'
import { CONNECTIONS } from './connections.ts'
import { DATA_PLANE } from './data-plane.ts'
import { INFORMATION } from './information.ts'
import { MANAGEMENT } from './management.ts'
import { NOT_APPLICABLE } from './not-applicable.ts'
import { JSON_BODY, openTargets, PREDICT, readUsage, type Target, type Targets } from './target.ts'
import { TRACKING } from './tracking.ts'
import { TRACKING_LOAD } from './tracking-load.ts'
import { VALUES } from './values.ts'

/**
 * npm run test:attacks: cases in which other model servers were broken, by number, against the process tree that
 * `npm start` starts. After each a normal request is answered as before, by the same processes.
 */
const ATTACKS: readonly Attack[] = [
  ...MANAGEMENT,
  ...ARTIFACTS,
  ...COMMAND_LINE,
  ...DATA_PLANE,
  ...VALUES,
  ...CONNECTIONS,
  ...INFORMATION,
  ...TRACKING,
  ...TRACKING_LOAD,
]

const CASES = 83
const ASKED = 20

let targets: Targets & { close(): Promise<void> }
let normal: string
let processes: unknown
let before: ReturnType<typeof readUsage>
let heldBefore = 0
/** Most memory after any case. */
let peakMib = 0
const report: string[] = []

/** Answers to the normal request over several connections, so that each gateway is asked, and the median time of one. */
async function askNormally(target: Target, headers = {}): Promise<{ answers: Set<string>; ms: number }> {
  const answers = new Set<string>()
  const times: number[] = []
  for (let i = 0; i < ASKED; i++) {
    const startedAt = performance.now()
    const { status, body } = await target.ask('POST', PREDICT, {
      ...JSON_BODY,
      headers: { ...JSON_BODY.headers, ...headers },
    })
    times.push(performance.now() - startedAt)
    answers.add(`${status} ${body}`)
  }
  return { answers, ms: times.sort((a, b) => a - b)[ASKED / 2]! }
}

const askGuarded = () =>
  askNormally(targets.guarded, { authorization: `Bearer ${targets.guarded.secrets.predict}` })
const pidsOf = () => [targets, targets.guarded].map(({ running }) => running.pids())

beforeAll(async () => {
  targets = await openTargets()
  const { answers } = await askNormally(targets)
  expect(answers.size).toBe(1)
  normal = [...answers][0]!
  expect(normal).toMatch(/^200 /)
  processes = pidsOf()
  before = readUsage(targets.running)
  heldBefore = await heldMib()
})
afterAll(async () => {
  await targets?.close()
  console.log(report.join('\n'))
})

test.each(ATTACKS)('S$number $words', async ({ number, run }) => {
  try {
    await run(targets)
  } finally {
    const { answers, ms } = await askNormally(targets)
    const { mib, descriptors } = readUsage(targets.running)
    peakMib = Math.max(peakMib, mib)
    report.push(`S${number}: then ${ms.toFixed(1)} ms a request, ${mib} MiB, ${descriptors} descriptors`)
    expect(answers).toEqual(new Set([normal]))
    expect((await askGuarded()).answers).toEqual(new Set([normal]))
    expect(pidsOf()).toEqual(processes)
    expect([...targets.leaks, ...targets.guarded.leaks]).toEqual([])
  }
})

test('every case is met, or does not apply for a reason that is told', () => {
  const met = ATTACKS.map(({ number }) => number)
  const all = [...met, ...Object.keys(NOT_APPLICABLE).map(Number)]

  expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: CASES }, (_, index) => index + 1))
})

/** Those that take most memory. */
const HEAVY = new Set([29, 31, 38, 44])
/**
 * What JavaScript holds, its heaps and what they keep outside of them, of all processes: two rounds send some 1 GiB of
 * bodies, once unpacked. Resident memory is told and not held to anything: what is freed is not all given back at once.
 */
const MOST_HELD_MIB = 96
const QUIET_MS = 8_000
/** Both ends of the 16 connections to control that each of two gateways keeps, and clients that are just going away. */
const MOST_DESCRIPTORS = 72

async function heldMib(): Promise<number> {
  const { body } = await targets.ask('GET', '/metrics')
  const bytes = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)![1])
  return (bytes('nodejs_heap_size_total_bytes') + bytes('nodejs_external_memory_bytes')) / 2 ** 20
}

/** It is collected once nothing was asked for a while. */
async function heldAtRest(): Promise<number> {
  let held = Number.POSITIVE_INFINITY
  for (let looks = 0; looks < 10 && held > heldBefore + MOST_HELD_MIB; looks++) {
    await sleep(QUIET_MS)
    held = await heldMib()
  }
  return held
}

test('in the end descriptors and what is held are near where they began', { timeout: 180_000 }, async () => {
  const first = readUsage(targets.running)
  const heavy = ATTACKS.filter(({ number }) => HEAVY.has(number))
  for (const { run } of [...heavy, ...heavy]) await run(targets)
  const after = await eventually(async () => {
    const usage = readUsage(targets.running)
    return usage.descriptors <= before.descriptors + MOST_DESCRIPTORS && usage
  })
  const held = await heldAtRest()
  expect(held).toBeLessThanOrEqual(heldBefore + MOST_HELD_MIB)
  report.push(
    `${ATTACKS.length} cases; from ${before.mib} MiB and ${before.descriptors} descriptors to ${first.mib} MiB (at most ${peakMib}) and ${first.descriptors}, after the heaviest twice more ${after.mib} MiB and ${after.descriptors}; held by JavaScript ${heldBefore.toFixed(0)} MiB, in the end ${held.toFixed(0)}; ${targets.seen() + targets.guarded.seen()} answers looked at`,
    ...Object.entries(NOT_APPLICABLE).map(([number, reason]) => `S${number} does not apply: ${reason}`),
  )
})
