import type { Attrs } from '../ir/program.ts'
import { defineOp, expectNumbers, numbers, type Op } from './op.ts'

/** One row of numbers to one row: reads `x` from `from` on, writes `y` from `to` on. */
export type RowKernel = (x: Float64Array, from: number, y: Float64Array, to: number) => void

type RowRule<A extends Attrs> = {
  readonly name: string
  /** Width of the result. @throws RangeError when the attributes do not fit a row of this width */
  infer(attrs: A, width: number): number
  /** What these attributes do to a row; scratch space is taken here, once. */
  at(attrs: A, width: number): RowKernel
}

/** An operation from one row of numbers to another, given once for a single row and for a block. */
export const rowwise = <A extends Attrs>({ name, infer, at }: RowRule<A>): Op<A> =>
  defineOp<A>({
    name,
    infer: (attrs, [x]) => numbers(infer(attrs, expectNumbers(name, x).width)),
    ref(attrs, [x]) {
      const y = new Float64Array(infer(attrs, x!.length))
      at(attrs, x!.length)(Float64Array.from(x as readonly number[]), 0, y, 0)
      return Array.from(y)
    },
    block(attrs, [x]) {
      const { width } = x!
      const result = infer(attrs, width)
      const row = at(attrs, width)
      return ([source], out, rows) => {
        for (let r = 0; r < rows; r++) row(source!.numbers, r * width, out.numbers, r * result)
      }
    },
  })

/** Rows of `width` in a flat array. @throws RangeError when it does not hold whole rows, or none */
export function rowsIn(op: string, values: Float64Array, width: number): number {
  if (width === 0 || values.length === 0 || values.length % width !== 0)
    throw new RangeError(`${op}: ${values.length} numbers are no rows of ${width} columns`)
  return values.length / width
}
