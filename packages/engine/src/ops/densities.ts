import { exp, log } from '../math/glibc.ts'
import { erf } from '../math/special.ts'
import { rowsIn, rowwise } from './rowwise.ts'

type None = Record<string, never>

/** Σ x² over every `size` columns in turn: squared lengths of the vectors side by side in a row. */
export const squareSums = rowwise<{ size: number }>({
  name: 'square-sums',
  infer({ size }, width) {
    if (!(size >= 1) || width % size !== 0) throw new RangeError(`square-sums: ${width} columns by ${size}`)
    return width / size
  },
  at:
    ({ size }, width) =>
    (x, from, y, to) => {
      for (let group = 0; group < width; group += size) {
        let sum = 0
        for (let i = from + group; i < from + group + size; i++) sum += x[i]! * x[i]!
        y[to++] = sum
      }
    },
})

/** ln Σ e^xᵢ, as scipy's logsumexp: the largest taken out; −∞ when every element is. */
export const logSumExp = rowwise<None>({
  name: 'log-sum-exp',
  infer: () => 1,
  at: (_, width) => (x, from, y, to) => {
    let max = x[from]!
    for (let i = from; i < from + width; i++) max = Math.max(max, x[i]!)
    const shift = Number.isFinite(max) ? max : 0
    let sum = 0
    for (let i = from; i < from + width; i++) sum += exp(x[i]! - shift)
    y[to] = log(sum) + shift
  },
})

/** Solves L·y = x for a lower triangular matrix L, rows one after the other. */
export const forwardSubstitution = rowwise<{ lower: Float64Array }>({
  name: 'forward-substitution',
  infer({ lower }, width) {
    if (rowsIn('forward-substitution', lower, width) !== width)
      throw new RangeError(`forward-substitution: ${lower.length} numbers are no square of ${width} columns`)
    return width
  },
  at:
    ({ lower }, width) =>
    (x, from, y, to) => {
      for (let i = 0; i < width; i++) {
        let rest = x[from + i]!
        for (let j = 0; j < i; j++) rest -= lower[i * width + j]! * y[to + j]!
        y[to + i] = rest / lower[i * width + i]!
      }
    },
})

/** Five error functions that together are the logistic one (Williams & Barber 1998), as scikit-learn fitted them. */
const LAMBDAS = [0.41, 0.4, 0.37, 0.44, 0.39] as const
const COEFFICIENTS = [-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654] as const

/** Probability of the second class of a Gaussian process: the logistic of a normal variable [mean, variance], averaged. */
export const gaussianLogistic = rowwise<None>({
  name: 'gaussian-logistic',
  infer(_, width) {
    if (width !== 2) throw new RangeError(`gaussian-logistic: ${width} columns are not a mean and a variance`)
    return 1
  },
  at: () => (x, from, y, to) => {
    const [mean, variance] = [x[from]!, x[from + 1]!]
    const alpha = 1 / (2 * variance)
    let share = 0
    LAMBDAS.forEach((lambda, k) => {
      const scaled = lambda * mean * Math.sqrt(alpha / (alpha + lambda * lambda))
      const integral = (Math.sqrt(Math.PI / alpha) * erf(scaled)) / (2 * Math.sqrt(variance * 2 * Math.PI))
      share += COEFFICIENTS[k]! * integral
    })
    y[to] = share + 0.5 * COEFFICIENTS.reduce((sum, coefficient) => sum + coefficient, 0)
  },
})
