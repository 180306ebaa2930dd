import type { Attrs, ValueType } from '../src/ir/program.ts'
import { type Block, numbers, type Op } from '../src/ops/op.ts'
import { placeAlone } from './place.ts'

type Rows = readonly (readonly number[])[]

/** Rows of numbers through an operation's meaning, row by row, and through its block form. One list of rows per input. */
export function bothForms<A extends Attrs>(
  op: Op<A>,
  attrs: A,
  ...inputs: readonly Rows[]
): { ref: Rows; block: Rows } {
  const rows = inputs[0]!.length
  const types = inputs.map((input) => numbers(input[0]!.length))
  const type = op.infer(attrs, types)
  const out = blockOf(type, [], rows)
  op.block!(attrs, types, placeAlone())!(
    inputs.map((input, i) => blockOf(types[i]!, input, rows)),
    out,
    rows,
  )
  return {
    ref: Array.from({ length: rows }, (_, r) =>
      op.ref(
        attrs,
        inputs.map((input) => input[r]!),
      ),
    ) as Rows,
    block: Array.from({ length: rows }, (_, r) =>
      Array.from(out.numbers.subarray(r * type.width, (r + 1) * type.width)),
    ),
  }
}

const blockOf = (type: ValueType, rows: Rows, count: number): Block => ({
  type,
  numbers: rows.length === 0 ? new Float64Array(count * type.width).fill(7) : Float64Array.from(rows.flat()),
  cells: [],
})
