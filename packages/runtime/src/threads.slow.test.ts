import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  allOutputs,
  compileFile,
  compileProgram,
  decodeProgram,
  type Frame,
  RowError,
} from '@millwright/engine'
import { expect, test } from 'vitest'
import { openThreads } from './threads.ts'

const CHURN = join(import.meta.dirname, '../../../examples/churn/models/churn_model_v2.pkl')
const ROWS = 20_000

async function openChurn(threads: number) {
  const { program: bytes } = await compileFile(await readFile(CHURN))
  const executable = compileProgram(decodeProgram(bytes))
  return { executable, host: openThreads(bytes, threads) }
}

const frameOf = (rows: number): Frame => ({
  rows,
  numbers: Float64Array.from({ length: rows * 4 }, (_, i) => (i * 37.5) % 1000),
  cells: [],
})

test.each([1, 2, 3])('%i threads answer the bits of one program', async (threads) => {
  const { executable, host } = await openChurn(threads)
  const methods = allOutputs(executable.program)

  for (const rows of [0, 1, 4096, 4097, ROWS]) {
    const frame = frameOf(rows)
    expect(await host.run(frame, methods)).toEqual(executable.run(frame, methods))
  }
  await host.close()
})

test('batches asked for at once are answered each', async () => {
  const { executable, host } = await openChurn(2)
  const frames = [5000, 1, 9000].map(frameOf)

  const answers = await Promise.all(frames.map((frame) => host.run(frame, ['predict_proba'])))

  expect(answers).toEqual(frames.map((frame) => executable.run(frame, ['predict_proba'])))
  await host.close()
})

test('the first row that is refused is told, and the threads go on', async () => {
  const { executable, host } = await openChurn(2)
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

  const threaded = await host.run(frame, ['predict']).catch(fault)

  expect(threaded).toEqual(alone)
  expect(threaded).toMatchObject({ isRowError: true, row: 9_000 })
  expect(await host.run(frameOf(10), ['predict'])).toEqual(executable.run(frameOf(10), ['predict']))
  await host.close()
})
