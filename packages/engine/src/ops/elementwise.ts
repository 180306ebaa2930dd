import type { Attrs, Cell, ValueType } from '../ir/program.ts'
import { defineOp, expectNumbers, numbers, type Op } from './op.ts'

type NumberType = ValueType & { kind: 'number' }

type NumberRule<A extends Attrs> = {
  readonly name: string
  /** @throws RangeError when the attributes do not fit a row of this type */
  validate(attrs: A, type: NumberType): void
  /** What these attributes do to one value of one column. */
  at(attrs: A): (value: number, column: number) => number
  /** The same for `count` values in a row, where calling `at` for each would cost more than what it computes. */
  many?(attrs: A, width: number): Many
  /** Type of the result, float64 unless told. */
  result?(attrs: A, type: NumberType): ValueType
}

/** Reads `x` and writes `y`, both from 0 to `count`. */
export type Many = (x: Float64Array, y: Float64Array, count: number) => void

type CellRule<A extends Attrs> = {
  readonly name: string
  /** Validates like `validate` above, and says what comes out. */
  result(attrs: A, type: ValueType): ValueType
  at(attrs: A): (cell: Cell, column: number) => Cell
}

/** An operation that maps every number of a row by itself: column i to column i. */
export function elementwise<A extends Attrs>({ name, validate, at, many, result }: NumberRule<A>): Op<A> {
  const byOne = cellwise<A>({
    name,
    result(attrs, x) {
      const type = expectNumbers(name, x)
      validate(attrs, type)
      return result?.(attrs, type) ?? numbers(type.width)
    },
    at: at as CellRule<A>['at'],
  })
  if (many === undefined) return byOne
  return defineOp<A>({
    ...byOne,
    block(attrs, [x]) {
      const { width } = x!
      const compute = many(attrs, width)
      return ([input], out, rows) => compute(input!.numbers, out.numbers, rows * width)
    },
  })
}

/** The same for rows of numbers or of cells; numbers must come out where the result says so. */
export function cellwise<A extends Attrs>({ name, result, at }: CellRule<A>): Op<A> {
  return defineOp<A>({
    name,
    columnwise: true,
    infer(attrs, [x]) {
      if (x === undefined || x.kind === 'sparse') throw new RangeError(`${name}: expects numbers or cells`)
      return result(attrs, x)
    },
    ref(attrs, [x]) {
      return x!.map(at(attrs))
    },
    block(attrs, [x]) {
      const rule = at(attrs)
      const { width } = x!
      const [from, to] = [x!.kind, result(attrs, x!).kind]
      return ([input], out, rows) => {
        const source: ArrayLike<Cell> = from === 'number' ? input!.numbers : input!.cells
        const target: { [index: number]: Cell } = to === 'number' ? out.numbers : out.cells
        for (let r = 0, i = 0; r < rows; r++)
          for (let c = 0; c < width; c++, i++) target[i] = rule(source[i]!, c)
      }
    },
  })
}

/** @throws RangeError unless there is one constant per column */
export function expectLength(op: string, values: { readonly length: number }, width: number): void {
  if (values.length !== width) throw new RangeError(`${op}: ${values.length} constants for ${width} columns`)
}
