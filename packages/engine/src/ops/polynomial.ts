import type { ValueType } from '../ir/program.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

/**
 * Products of columns, each built from an earlier one: term[i] = term[of[i]] · x[column[i]], where of −1 stands for
 * nothing (the column itself) and column −1 for the constant 1.
 */
export const products = defineOp<{ of: Int32Array; column: Int32Array }>({
  name: 'products',
  infer({ of, column }, [x]): ValueType {
    const { width } = expectNumbers('products', x)
    if (of.length !== column.length) throw new RangeError('products: lists differ in length')
    for (let i = 0; i < of.length; i++)
      if (of[i]! < -1 || of[i]! >= i || column[i]! < -1 || column[i]! >= width)
        throw new RangeError(`products: term ${i} is not built from earlier ones`)
    return numbers(of.length)
  },
  ref({ of, column }, [x]) {
    const terms: number[] = []
    column.forEach((c, i) => {
      const factor = c < 0 ? 1 : (x![c] as number)
      terms.push(of[i]! < 0 ? factor : terms[of[i]!]! * factor)
    })
    return terms
  },
  block({ of, column }, [x]) {
    const { width } = x!
    return ([from], out, rows) => {
      for (let r = 0; r < rows; r++) {
        const start = r * of.length
        for (let i = 0; i < of.length; i++) {
          const factor = column[i]! < 0 ? 1 : from!.numbers[r * width + column[i]!]!
          out.numbers[start + i] = of[i]! < 0 ? factor : out.numbers[start + of[i]!]! * factor
        }
      }
    }
  },
})
