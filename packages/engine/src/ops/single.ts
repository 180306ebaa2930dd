import { expf } from '../math/glibc.ts'
import { elementwise } from './elementwise.ts'
import { defineOp, expectNumbers, numbers, type Op } from './op.ts'

/**
 * Arithmetic in float32, as XGBoost does it: every step is rounded, exponentials are those of the C library.
 */

type None = Record<string, never>

/** An operation on one row, of which single rows and blocks are made. */
function single(
  name: string,
  compute: (x: ArrayLike<number>, at: number, width: number, out: Float64Array) => void,
): Op<None> {
  return defineOp<None>({
    name,
    infer: (_, [x]) => numbers(expectNumbers(name, x).width, 'f32'),
    ref(_, [x]) {
      const out = new Float64Array(x!.length)
      compute(x as readonly number[], 0, x!.length, out)
      return Array.from(out)
    },
    block(_, [x]) {
      const { width } = x!
      const row = new Float64Array(width)
      return ([source], target, rows) => {
        for (let r = 0; r < rows; r++) {
          compute(source!.numbers, r * width, width, row)
          target.numbers.set(row, r * width)
        }
      }
    },
  })
}

/** Largest exponent of the sigmoid: e^88.7 is near the largest float32. */
const HIGHEST = Math.fround(88.7)

/** 1 / (1 + e^−x) */
export const expitSingle = single('expit-f32', (x, at, width, out) => {
  for (let i = 0; i < width; i++) {
    const power = expf(Math.min(-x[at + i]!, HIGHEST))
    out[i] = Math.fround(1 / Math.fround(power + 1))
  }
})

/** e^x */
export const expSingle = single('exp-f32', (x, at, width, out) => {
  for (let i = 0; i < width; i++) out[i] = expf(x[at + i]!)
})

/** e^(xᵢ − max) / Σ e^(xⱼ − max), the sum in float64 and rounded once */
export const softmaxSingle = single('softmax-f32', (x, at, width, out) => {
  let max = x[at]!
  for (let i = 1; i < width; i++) max = Math.max(max, x[at + i]!)
  let sum = 0
  for (let i = 0; i < width; i++) {
    out[i] = expf(Math.fround(x[at + i]! - max))
    sum += out[i]!
  }
  const divisor = Math.fround(sum)
  for (let i = 0; i < width; i++) out[i] = Math.fround(out[i]! / divisor)
})

/**
 * init_j + Σᵢ xᵢ · weights[i · width + j] over the columns that are not NaN, in column order and in float32.
 */
export const linearSingle = defineOp<{ weights: Float64Array; init: Float64Array }>({
  name: 'linear-f32',
  infer({ weights, init }, [x]) {
    const { width } = expectNumbers('linear-f32', x)
    if (init.length === 0 || weights.length !== width * init.length)
      throw new RangeError(`linear-f32: ${weights.length} weights for ${width} × ${init.length}`)
    return numbers(init.length, 'f32')
  },
  ref({ weights, init }, [x]) {
    return Array.from(init, (start, j) =>
      (x as readonly number[]).reduce((sum, value, i) => {
        const single = Math.fround(value)
        if (Number.isNaN(single)) return sum
        return Math.fround(sum + Math.fround(single * weights[i * init.length + j]!))
      }, start),
    )
  },
})

/** A value that stands for "missing" as NaN; compared as float32. */
export const markMissing = elementwise<{ marker: number }>({
  name: 'mark-missing',
  validate() {},
  at({ marker }) {
    const single = Math.fround(marker)
    return (value) => (Math.fround(value) === single ? Number.NaN : value)
  },
})
