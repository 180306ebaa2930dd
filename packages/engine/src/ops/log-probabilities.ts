import { exp, log } from '../math/glibc.ts'
import { pairwiseSum } from '../math/pairwise-sum.ts'
import { elementwise } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'
import { rowwise } from './rowwise.ts'

/** ln p of every probability, where `zero` stands for 0: −∞ for itself. */
export const logProbability = elementwise<{ zero: number }>({
  name: 'log-probability',
  validate() {},
  at:
    ({ zero }) =>
    (p) =>
      log(p === 0 ? zero : p),
})

/**
 * xᵢ − ln Σ e^xⱼ: logarithms of shares, from logarithms that need a common term taken off. `centred`: the largest is taken
 * off first, which keeps equal shares apart from none where the logarithms are huge.
 */
export const logNormalise = rowwise<{ centred: boolean }>({
  name: 'log-normalise',
  infer: (_, width) => width,
  at({ centred }, width) {
    const powers = new Float64Array(width)
    return (x, from, y, to) => {
      const max = x.subarray(from, from + width).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
      const shift = Number.isFinite(max) ? max : 0
      for (let i = 0; i < width; i++) powers[i] = exp(x[from + i]! - shift)
      const total = log(pairwiseSum(powers, 0, width))
      for (let i = 0; i < width; i++)
        y[to + i] = centred ? x[from + i]! - shift - total : x[from + i]! - (total + shift)
    }
  },
})

/** ln (Σ e^x / n) over n inputs of one width, added two by two so that nothing under- or overflows. */
export const logMean = defineOp<Record<string, never>>({
  name: 'log-mean',
  infer(_, inputs) {
    const { width } = expectNumbers('log-mean', inputs[0])
    for (const input of inputs) expectNumbers('log-mean', input, width)
    return numbers(width)
  },
  ref(_, inputs) {
    const count = log(inputs.length)
    return (inputs as readonly number[][])
      .reduce((sum, row) => sum.map((value, i) => logOfSum(value, row[i]!)))
      .map((sum) => sum - count)
  },
  block(_, [first, ...others]) {
    const { width } = first!
    const count = log(others.length + 1)
    return ([start, ...rest], out, rows) => {
      for (let i = 0; i < rows * width; i++) {
        let sum = start!.numbers[i]!
        for (const { numbers: values } of rest) sum = logOfSum(sum, values[i]!)
        out.numbers[i] = sum - count
      }
    }
  },
})

/** numpy.logaddexp: ln (e^a + e^b) */
function logOfSum(a: number, b: number): number {
  if (a === b) return a + Math.LN2
  return Math.max(a, b) + Math.log1p(exp(-Math.abs(a - b)))
}
