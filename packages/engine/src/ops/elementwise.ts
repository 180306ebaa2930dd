import type { Attrs, ValueType } from '../ir/program.ts'
import { defineOp, expectNumbers, numbers, type Op } from './op.ts'

type Rule<A extends Attrs> = {
  readonly name: string
  /** @throws RangeError when the attributes do not fit a row of this type */
  validate(attrs: A, type: ValueType): void
  /** What these attributes do to one value of one column. */
  at(attrs: A): (value: number, column: number) => number
  /** Type of the result, float64 unless told. */
  result?(attrs: A, type: ValueType & { kind: 'number' }): ValueType
}

/** An operation that maps every number of a row by itself: column i to column i. */
export function elementwise<A extends Attrs>({ name, validate, at, result }: Rule<A>): Op<A> {
  return defineOp<A>({
    name,
    columnwise: true,
    infer(attrs, [x]) {
      const type = expectNumbers(name, x)
      validate(attrs, type)
      return result?.(attrs, type) ?? numbers(type.width)
    },
    ref(attrs, [x]) {
      const rule = at(attrs)
      return x!.map((value, column) => rule(value as number, column))
    },
    block(attrs, [x]) {
      const rule = at(attrs)
      const width = x!.width
      return ([from], out, rows) => {
        for (let r = 0, i = 0; r < rows; r++)
          for (let c = 0; c < width; c++, i++) out.numbers[i] = rule(from!.numbers[i]!, c)
      }
    },
  })
}

/** @throws RangeError unless there is one constant per column */
export function expectLength(op: string, values: { readonly length: number }, width: number): void {
  if (values.length !== width) throw new RangeError(`${op}: ${values.length} constants for ${width} columns`)
}
