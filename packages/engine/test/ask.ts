import { interpret } from '../src/exec/reference.ts'
import type { Cell, Method } from '../src/ir/program.ts'
import type { InertObject } from '../src/pickle/values.ts'
import { lowerModel } from '../src/sklearn/lower.ts'
import { frame } from './inert.ts'

/** What a model answers to rows of numbers: one list of values, row by row, of the first part. */
export function ask(model: InertObject, method: Method, rows: readonly (readonly number[])[]): Cell[] {
  const [answer] = interpret(lowerModel(model)).run(frame(rows), [method])
  if (answer === undefined) throw new Error(`${method} is not answered`)
  return Array.from(answer.parts[0]!.data as ArrayLike<Cell>)
}
