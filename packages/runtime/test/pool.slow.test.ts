import { allOutputs, encodeProgram, type Frame, isHosted } from '@millwright/engine'
import { afterAll, expect, test } from 'vitest'
import { frameOf, listCases, readInput } from '../../engine/test/fixture.ts'
import { programOf } from '../../engine/test/run-case.ts'
import { openPool, shareProgram } from '../src/pool.ts'

/** More than two shares. */
const ROWS = 4_200

const pool = openPool({ threads: 2, runMs: 60_000 })
afterAll(() => pool.close())

/** Rows of a frame again and again. */
function repeated({ rows, numbers, cells }: Frame): Frame {
  const at = (width: number) => (i: number) => (Math.floor(i / width) % rows) * width + (i % width)
  const [number, cell] = [numbers.length / rows, cells.length / rows]
  return {
    rows: ROWS,
    numbers: Float64Array.from({ length: ROWS * number }, (_, i) => numbers[at(number)(i)]!),
    cells: Array.from({ length: ROWS * cell }, (_, i) => cells[at(cell)(i)]!),
  }
}

const cases = listCases(new URL('../../engine/test/fixtures', import.meta.url).pathname).flatMap((golden) =>
  golden.meta.contract === 'refuse' ? [] : [[golden.name, golden] as const],
)

test.each(cases)('%s answers the same bits on two threads as on one', async (_, golden) => {
  const program = programOf(golden.folder, Object.keys(golden.meta.files)[0]!)
  if (isHosted(program)) return
  const { columns, rows } = readInput(golden)
  const frame = repeated(frameOf(program, columns, rows))
  const methods = allOutputs(program)
  const model = pool.open(shareProgram(encodeProgram(program)))

  expect(await model.run(frame, methods)).toEqual(model.executable.run(frame, methods))
  model.close()
})
