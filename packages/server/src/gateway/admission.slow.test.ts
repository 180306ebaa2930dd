import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'
import { type Admission, createAdmission, createLane, type Task } from './admission.ts'

const MANY = JSON.stringify({ rows: Array(5_000).fill(CHURN_ROW) })

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const version = await storeChurn(layout, 'v2')
  const named = (name: string, limits: object) => churnDeployment(version, { name, default: false, limits })
  await writeSnapshot(layout, 1, [
    await named('patient', { waitMs: 60_000 }),
    await named('hurried', { waitMs: 0 }),
    await named('one', { concurrency: 1, waitMs: 60_000 }),
  ])
  gateway = await openGateway(layout)
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const ask = (name: string, body: string, headers: Record<string, string> = {}) =>
  gateway.ask(`/api/v1/deployments/${name}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

async function askAtOnce(name: string, times: number) {
  const answers = await Promise.all(Array.from({ length: times }, () => ask(name, MANY)))
  return {
    refused: answers.filter(({ status }) => status !== 200),
    answered: answers.filter(({ status }) => status === 200),
  }
}

test('more requests than can wait are refused, the others are answered, and so is the next', async () => {
  await ask('hurried', MANY)

  const { refused, answered } = await askAtOnce('hurried', 12)
  const next = await ask('hurried', MANY)

  expect(answered.length).toBeGreaterThan(0)
  expect(refused.length).toBeGreaterThan(0)
  for (const answer of refused) {
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(answer.json()).toMatchObject({ code: 'OVERLOADED', retryable: true })
  }
  expect(next.status).toBe(200)
})

test('who may wait is answered', async () => {
  await ask('patient', MANY)

  expect((await askAtOnce('patient', 12)).refused).toEqual([])
})

test('a deployment answers as many at once as it may', async () => {
  const { refused, answered } = await askAtOnce('one', 6)

  expect(answered.length).toBeGreaterThan(0)
  expect(refused.map(({ status }) => status)).toContain(429)
  expect(refused[0]!.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  expect((await ask('one', MANY)).status).toBe(200)
})

describe('a caller’s own time', () => {
  test.each(['x-request-timeout-ms', 'x-envoy-expected-rq-timeout-ms'])('%s', async (header) => {
    expect((await ask('patient', MANY, { [header]: '0' })).json()).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    })
    expect((await ask('patient', MANY, { [header]: '60000' })).status).toBe(200)
    expect((await ask('patient', MANY, { [header]: '1.5' })).json()).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
  })

  test('ends what is under way', async () => {
    const rows = JSON.stringify({ rows: Array(10_000).fill(CHURN_ROW) })

    const answer = await ask('patient', rows, { 'x-request-timeout-ms': '5' })

    expect([answer.status, answer.json().code]).toEqual([504, 'DEADLINE_EXCEEDED'])
  })
})

/** A task that takes no time, and what it did. */
function taskOf(admission: Admission, log: string[], name: string, changes: Partial<Task> = {}): Task {
  const task: Task = {
    ...{ lane: admission.small, cost: { msPerByte: 1 }, bytes: 10, waitMs: 15, expectedMs: 0, startedAt: 0 },
    run: () => void log.push(name),
    ...changes,
  }
  return task
}

test('what is pending counts until it is ended', () => {
  const admission = createAdmission()
  const log: string[] = []
  const [first, second, third] = ['a', 'b', 'c'].map((name) => taskOf(admission, log, name))

  admission.admit(first!)
  admission.admit(second!)
  expect(() => admission.admit(third!)).toThrow('another 20 ms')
  admission.end(first!)
  admission.admit(third!)

  expect(log).toEqual(['a', 'b', 'c'])
})

test('lanes do not wait for each other', () => {
  const admission = createAdmission()
  const log: string[] = []
  const own = createLane()

  for (const name of ['a', 'b']) admission.admit(taskOf(admission, log, name))
  admission.admit(taskOf(admission, log, 'c', { lane: own }))

  expect([own.pendingMs, log]).toEqual([10, ['a', 'b', 'c']])
})

test('one slow request does not make the next ones look as slow', () => {
  const admission = createAdmission()
  const cost = { msPerByte: 0.001 }
  const task = taskOf(admission, [], 'a', { cost })
  admission.admit(task)
  task.startedAt = performance.now() - 60_000

  admission.end(task)

  expect(cost.msPerByte).toBeCloseTo(0.0017, 6)
})

describe('while others connect', () => {
  const busy = (log: string[]) => () => {
    const until = performance.now() + 6
    while (performance.now() < until) log[0] ??= 'a'
  }
  /** Turns of the event loop until the second of two tasks ran, the first of which took all of a slice. */
  async function turnsUntilSecond(connections: number): Promise<number> {
    const admission = createAdmission()
    const log: string[] = []
    admission.admit(taskOf(admission, log, 'a', { run: busy(log) }))
    admission.admit(taskOf(admission, log, 'b'))
    let turns = 0
    while (!log.includes('b')) {
      if (turns < connections) admission.noteConnection()
      await nextTurn()
      turns += 1
    }
    return turns
  }

  test('they are accepted before work goes on', async () => {
    expect([await turnsUntilSecond(0), await turnsUntilSecond(5)]).toEqual([1, 6])
  })

  test('however many they are, work goes on', async () => {
    expect(await turnsUntilSecond(1_000)).toBe(16)
  })
})
