import { expect } from 'vitest'
import { compileProgram } from '../src/exec/compiled.ts'
import { interpret } from '../src/exec/reference.ts'
import type { Answer, Cell, Frame, Method, Program } from '../src/ir/program.ts'
import type { InertObject } from '../src/pickle/values.ts'
import { lowerModel } from '../src/sklearn/lower.ts'

/** Rows as a program reads them. */
function frameFor(program: Program, rows: readonly (readonly Cell[])[]): Frame {
  const ofKind = (kind: 'number' | 'cell'): Cell[] =>
    rows.flatMap((row) => row.filter((_, column) => program.inputs[column]!.kind === kind))
  return {
    rows: rows.length,
    numbers: Float64Array.from(ofKind('number') as number[]),
    cells: ofKind('cell'),
  }
}

/** What a model answers, row by row. Compiled programs must agree with the interpreter. */
export function answer(model: InertObject, method: Method, rows: readonly (readonly Cell[])[]): Cell[][] {
  const program = lowerModel(model)
  const [reference, compiled] = [interpret, compileProgram].map((build) =>
    rowsOf(build(program).run(frameFor(program, rows), [method])[0]!),
  )
  expect(compiled).toEqual(reference)
  return reference!
}

export const transform = (model: InertObject, rows: readonly (readonly Cell[])[]): Cell[][] =>
  answer(model, 'transform', rows)

function rowsOf({ parts: [part] }: Answer): Cell[][] {
  const [rows, width = 1] = part!.shape
  const values = Array.from(part!.data as ArrayLike<Cell>)
  return Array.from({ length: rows! }, (_, row) => values.slice(row * width, (row + 1) * width))
}
