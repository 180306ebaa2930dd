import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  compileFile,
  compileProgram,
  decodeProgram,
  type Executable,
  type Frame,
  type Method,
  type RowError,
} from '@millwright/engine'
import { beforeAll, expect, test } from 'vitest'
import { type BatchOptions, batched } from './batching.ts'

const CHURN = join(import.meta.dirname, '../../../examples/churn/models/churn_model_v2.pkl')
let executable: Executable
beforeAll(async () => {
  executable = compileProgram(decodeProgram((await compileFile(await readFile(CHURN))).program))
})

const frameOf = (seed: number, rows = 1): Frame => ({
  rows,
  numbers: Float64Array.from({ length: rows * 4 }, (_, i) => ((i + seed) * 37.5) % 1000),
  cells: [],
})

/** A real model that takes a while, as one in another process does. */
function openSlow(options: Partial<BatchOptions> = {}, takesMs = 20) {
  const batches: number[] = []
  const host = {
    async run(frame: Frame, methods: readonly Method[]) {
      batches.push(frame.rows)
      await sleep(takesMs)
      return executable.run(frame, methods)
    },
    close: async () => {},
  }
  return { batches, ...batched(host, { maxRows: 64, waitMs: 0, longestMs: 10_000, ...options }) }
}

const alone = (frame: Frame, methods: readonly Method[] = ['predict_proba']) => executable.run(frame, methods)

test('runs that come while the model computes go together, each with its own answer', async () => {
  const { run, batches } = openSlow()
  const frames = [1, 2, 3, 4].map((seed) => frameOf(seed, seed))

  const answers = await Promise.all(frames.map((frame) => run(frame, ['predict_proba'])))

  expect(answers).toEqual(frames.map((frame) => alone(frame)))
  expect(batches).toEqual([1, 2 + 3 + 4])
})

test('one caller never waits', async () => {
  const { run, batches } = openSlow()

  for (const seed of [1, 2, 3])
    expect(await run(frameOf(seed), ['predict_proba'])).toEqual(alone(frameOf(seed)))

  expect(batches).toEqual([1, 1, 1])
})

test('with time to wait, the first of a batch waits for others, but not when the batch is full', async () => {
  const waiting = openSlow({ waitMs: 30 })
  const full = openSlow({ waitMs: 60_000, maxRows: 3 })

  await Promise.all([1, 2, 3].map((seed) => waiting.run(frameOf(seed), ['predict'])))
  await Promise.all([1, 2, 3].map((seed) => full.run(frameOf(seed), ['predict'])))

  expect([waiting.batches, full.batches]).toEqual([[3], [3]])
})

test('batches are bounded, and only what asks for the same methods goes together', async () => {
  const { run, batches } = openSlow({ maxRows: 4 })
  const asked: [Frame, Method[]][] = [
    [frameOf(0), ['predict']],
    [frameOf(1, 3), ['predict']],
    [frameOf(2, 1), ['predict_proba']],
    [frameOf(3, 2), ['predict']],
    [frameOf(4, 9), ['predict']],
    [frameOf(5, 1), ['predict']],
  ]

  const answers = await Promise.all(asked.map(([frame, methods]) => run(frame, methods)))

  expect(answers).toEqual(asked.map(([frame, methods]) => alone(frame, methods)))
  expect(batches).toEqual([1, 3 + 1, 1, 2, 9])
})

test('a row that is refused fails alone', async () => {
  const { run, batches } = openSlow()
  const bad = frameOf(2)
  bad.numbers[1] = Number.NaN

  const answers = await Promise.allSettled(
    [frameOf(0), frameOf(1), bad, frameOf(3)].map((frame) => run(frame, ['predict'])),
  )

  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect((answers[2] as PromiseRejectedResult).reason as RowError).toMatchObject({
    field: 'total_orders',
    row: 0,
  })
  expect(batches).toEqual([1, 3, 1, 1, 1])
})

test('a run that is cancelled leaves its batch', async () => {
  const { run, batches } = openSlow()
  const leaving = new AbortController()
  const first = run(frameOf(0), ['predict'])
  const cancelled = run(frameOf(1), ['predict'], leaving.signal).catch((error: Error) => error.name)
  const third = run(frameOf(2), ['predict'])

  leaving.abort()

  expect(await cancelled).toBe('AbortError')
  expect(await first).toEqual(alone(frameOf(0), ['predict']))
  expect(await third).toEqual(alone(frameOf(2), ['predict']))
  expect(batches).toEqual([1, 1])
})

test('a run that waited too long is refused, and so is one too many', async () => {
  const { run } = openSlow({ longestMs: 50, maxRows: 1 }, 30)
  const outcomes = (runs: Promise<unknown>[]) =>
    Promise.allSettled(runs).then((all) =>
      all.map((one) => (one.status === 'rejected' ? (one.reason as { kind: string }).kind : one.status)),
    )

  const late = await outcomes([1, 2, 3, 4, 5].map((seed) => run(frameOf(seed), ['predict'])))
  const many = await outcomes(Array.from({ length: 1002 }, (_, seed) => run(frameOf(seed), ['predict'])))

  expect(late.slice(0, 2)).toEqual(['fulfilled', 'fulfilled'])
  expect(late.at(-1)).toBe('busy')
  expect(many.at(-1)).toBe('busy')
})
