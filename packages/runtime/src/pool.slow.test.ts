import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import {
  allOutputs,
  compileFile,
  compileProgram,
  decodeProgram,
  encodeProgram,
  type Frame,
  type Program,
  RowError,
} from '@millwright/engine'
import { expect, test } from 'vitest'
import { HostFailure } from './failure.ts'
import { openPool, shareProgram } from './pool.ts'

const CHURN = join(import.meta.dirname, '../../../examples/churn/models/churn_model_v2.pkl')
const ROWS = 20_000

async function openChurn(threads: number, limits: { runMs?: number; idleMs?: number } = {}) {
  const { program: bytes } = await compileFile(await readFile(CHURN))
  const pool = openPool({ threads, runMs: 10_000, ...limits })
  return { executable: compileProgram(decodeProgram(bytes)), pool, model: pool.open(shareProgram(bytes)) }
}

const frameOf = (rows: number, columns = 4): Frame => ({
  rows,
  numbers: Float64Array.from({ length: rows * columns }, (_, i) => (i * 37.5) % 1000),
  cells: [],
})

/** Distances of eight columns to so many points: a fifth of a microsecond a point and row, or more. */
function distancesTo(points: number): Program {
  const columns = Array.from({ length: 8 }, (_, i) => ({ name: `x${i}`, kind: 'number' as const }))
  const numbers = Float64Array.from({ length: points * 8 }, (_, i) => Math.sin(i))
  return {
    version: 1,
    origin: { library: 'test', libraryVersion: '1', estimator: 'test' },
    inputs: columns,
    nodes: [
      {
        op: 'input',
        inputs: [],
        attrs: { kinds: new Uint8Array(8), slots: Int32Array.from(columns.keys()) },
      },
      { op: 'distances', inputs: [0], attrs: { metric: 'power', points: numbers, power: 3 } },
    ],
    outputs: [{ name: 'transform', parts: [1], shape: 'matrix', dtype: 'float64' }],
    classes: [],
  }
}

const failureOf = (error: unknown): string =>
  error instanceof HostFailure ? error.kind : error instanceof Error ? error.name : 'none'

test.each([1, 2, 3])('%i threads answer the bits of one program', async (threads) => {
  const { executable, model, pool } = await openChurn(threads)
  const methods = allOutputs(executable.program)

  for (const rows of [0, 1, 4096, 4097, ROWS]) {
    const frame = frameOf(rows)
    expect(await model.run(frame, methods)).toEqual(executable.run(frame, methods))
  }
  await pool.close()
})

test('batches asked for at once are answered each', async () => {
  const { executable, model, pool } = await openChurn(2)
  const frames = [5000, 1, 9000].map((rows) => frameOf(rows))

  const answers = await Promise.all(frames.map((frame) => model.run(frame, ['predict_proba'])))

  expect(answers).toEqual(frames.map((frame) => executable.run(frame, ['predict_proba'])))
  await pool.close()
})

test('the first row that is refused is told, and the threads go on', async () => {
  const { executable, model, pool } = await openChurn(2)
  const frame = frameOf(ROWS)
  for (const row of [9_000, 15_000, 19_999]) frame.numbers[row * 4 + 1] = Number.NaN
  const fault = (error: unknown) => {
    const { message, row, field } = error as RowError
    return { isRowError: error instanceof RowError, message, row, field }
  }
  const alone = (() => {
    try {
      return executable.run(frame, ['predict'])
    } catch (error) {
      return fault(error)
    }
  })()

  const threaded = await model.run(frame, ['predict']).catch(fault)

  expect(threaded).toEqual(alone)
  expect(threaded).toMatchObject({ isRowError: true, row: 9_000 })
  expect(await model.run(frameOf(10), ['predict'])).toEqual(executable.run(frameOf(10), ['predict']))
  await pool.close()
})

test('runs of several models take turns, and each is answered with its own bits', async () => {
  const { executable, model, pool } = await openChurn(1)
  const other = pool.open(shareProgram(encodeProgram(distancesTo(20))))
  const done: string[] = []
  const slow = other.run(frameOf(20_000, 8), ['transform']).then((answers) => {
    done.push('slow')
    return answers
  })
  const quick = model.run(frameOf(10), ['predict_proba']).then((answers) => {
    done.push('quick')
    return answers
  })

  expect(await quick).toEqual(executable.run(frameOf(10), ['predict_proba']))
  expect(await slow).toEqual(other.executable.run(frameOf(20_000, 8), ['transform']))
  expect(done).toEqual(['quick', 'slow'])
  await pool.close()
})

test('a thread that takes too long is replaced, and its run told so', async () => {
  const { executable, model, pool } = await openChurn(1, { runMs: 200 })
  const endless = pool.open(shareProgram(encodeProgram(distancesTo(8_000))))
  const expected = executable.run(frameOf(10), ['predict'])
  // A thread takes a while to start, where the machine has other things to do.
  const answers = () =>
    expect
      .poll(() => model.run(frameOf(10), ['predict']).catch(failureOf), { timeout: 20_000 })
      .toEqual(expected)
  await answers()

  const stuck = await endless.run(frameOf(2_048, 8), ['transform']).catch(failureOf)

  expect(stuck === 'time').toBe(true)
  await answers()
  await pool.close()
})

test('of more runs than may wait those that are too many are told so at once', async () => {
  const { executable, model, pool } = await openChurn(1)
  const runs = Array.from({ length: 300 }, () => model.run(frameOf(3), ['predict']).catch(failureOf))

  const answers = await Promise.all(runs)

  // One is computed, 256 wait.
  expect(answers.filter((answer) => answer === 'busy')).toHaveLength(300 - 257)
  const expected = executable.run(frameOf(3), ['predict'])
  for (const answer of answers.slice(0, 257)) expect(answer).toEqual(expected)
  await pool.close()
})

test('a run that was given up gets no further share, others go on', async () => {
  const { executable, model, pool } = await openChurn(1)
  const giveUp = new AbortController()
  const first = model.run(frameOf(10), ['predict'])
  const second = model.run(frameOf(ROWS), ['predict'], giveUp.signal).catch(failureOf)
  const third = model.run(frameOf(10), ['predict'])

  giveUp.abort()

  expect(await second).toBe('AbortError')
  expect(await first).toEqual(executable.run(frameOf(10), ['predict']))
  expect(await third).toEqual(await first)
  await pool.close()
})

test('a pool that closes tells the runs that it has', async () => {
  const { model, pool } = await openChurn(1)
  const [computed, waiting] = [1, 2].map(() => model.run(frameOf(10), ['predict']).catch(failureOf))

  await pool.close()

  expect(await computed).toBe('ended')
  expect(await waiting).toBe('busy')
  expect(await model.run(frameOf(1), ['predict']).catch(failureOf)).toBe('busy')
})

test('threads that have nothing to do end, and others start when there is work again', async () => {
  const { executable, model, pool } = await openChurn(2, { idleMs: 50 })
  const ended: Promise<unknown>[] = []
  const onWorker = (worker: Worker) => void ended.push(once(worker, 'exit'))
  process.on('worker', onWorker)
  await model.run(frameOf(ROWS), ['predict'])
  process.off('worker', onWorker)
  await Promise.all(ended)

  expect(ended).toHaveLength(2)
  expect(await model.run(frameOf(ROWS), ['predict'])).toEqual(executable.run(frameOf(ROWS), ['predict']))
  await pool.close()
})

test('a model that was closed is forgotten, and its threads go on with others', async () => {
  const { executable, model, pool } = await openChurn(1)
  const other = pool.open(shareProgram(encodeProgram(distancesTo(20))))
  await other.run(frameOf(10, 8), ['transform'])

  other.close()

  expect(await model.run(frameOf(10), ['predict'])).toEqual(executable.run(frameOf(10), ['predict']))
  await pool.close()
})

test('a program that a thread got ready is opened with what it laid out, and answers the same bits', async () => {
  const { program } = await compileFile(await readFile(CHURN))
  const pool = openPool({ threads: 2, runMs: 10_000 })
  const loaded = await Promise.all([1, 2].map(() => pool.load(shareProgram(program).bytes)))
  const alone = compileProgram(decodeProgram(program))
  const methods = allOutputs(alone.program)

  for (const shared of loaded) {
    const model = pool.open(shared)
    const memories = () => model.executable.layouts.map(({ forest }) => forest?.memory)
    const before = memories()
    const answers = [model.executable.run(frameOf(9), methods), await model.run(frameOf(ROWS), methods)]

    expect(answers).toEqual([alone.run(frameOf(9), methods), alone.run(frameOf(ROWS), methods)])
    expect(memories()).toEqual(before)
    expect(before.filter((memory) => memory !== undefined)).toHaveLength(1)
  }
  await pool.close()
})

test('bytes that are no program are refused in words, and the next is got ready', async () => {
  const { program } = await compileFile(await readFile(CHURN))
  const pool = openPool({ threads: 1, runMs: 10_000 })
  const whole = shareProgram(program).bytes

  await expect(pool.load(whole.slice(0, 1000))).rejects.toThrow('decodeProgram: the header is cut short')
  await expect(pool.load(new SharedArrayBuffer(8))).rejects.toThrow('decodeProgram: not a stored program')
  expect((await pool.load(whole)).program.outputs.length).toBeGreaterThan(0)
  await pool.close()
})

test('a pool that is closed gets nothing ready any more', async () => {
  const { program } = await compileFile(await readFile(CHURN))
  const pool = openPool({ threads: 1, runMs: 10_000 })
  const loading = [1, 2].map(() => pool.load(shareProgram(program).bytes).then(() => 'loaded', failureOf))

  await pool.close()

  expect(await Promise.all(loading)).toEqual(['ended', 'ended'])
})
