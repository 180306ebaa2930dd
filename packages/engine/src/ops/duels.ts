import { exp } from '../math/glibc.ts'
import { elementwise, expectLength } from './elementwise.ts'
import { rowwise } from './rowwise.ts'

/** How many duels n classes have. @throws RangeError when the row does not hold that many */
function expectDuels(op: string, classes: number, width: number): void {
  if (classes < 2 || width !== (classes * (classes - 1)) / 2)
    throw new RangeError(`${op}: ${width} duels of ${classes} classes`)
}

type SupportAttrs = {
  /** Support vectors per class. */
  readonly counts: Int32Array
  /**
   * A row per opponent, a column per support vector: the vectors of class i use row j − 1 against a later class j, and
   * row j against an earlier one.
   */
  readonly coefficients: Float64Array
  /** One per duel. */
  readonly bias: Float64Array
}

/** Scores of all duels out of the kernels of a row with all support vectors, above 0 for the first class. */
export const supportDuels = rowwise<SupportAttrs>({
  name: 'support-duels',
  infer({ counts, coefficients, bias }, width) {
    const classes = counts.length
    expectDuels('support-duels', classes, bias.length)
    if (counts.some((count) => count < 0) || counts.reduce((sum, count) => sum + count, 0) !== width)
      throw new RangeError(`support-duels: ${width} kernels are not those of ${classes} classes`)
    if (coefficients.length !== (classes - 1) * width)
      throw new RangeError(`support-duels: ${coefficients.length} coefficients for ${width} kernels`)
    return bias.length
  },
  at({ counts, coefficients, bias }, width) {
    const classes = counts.length
    const starts = counts.map((_, k) => counts.subarray(0, k).reduce((sum, count) => sum + count, 0))
    return (x, from, y, to) => {
      const side = (sum: number, own: number, row: number): number => {
        let total = sum
        const end = starts[own]! + counts[own]!
        for (let i = starts[own]!; i < end; i++) total += coefficients[row * width + i]! * x[from + i]!
        return total
      }
      for (let i = 0, duel = 0; i < classes; i++)
        for (let j = i + 1; j < classes; j++, duel++)
          y[to + duel] = side(side(0, i, j - 1), j, i) + bias[duel]!
    }
  },
})

/** Duels won by each class. Input: the winner of (0,1) (0,2) … (1,2) …, 0 for the first and 1 for the second class. */
export const duelVotes = rowwise<{ classes: number }>({
  name: 'duel-votes',
  infer({ classes }, width) {
    expectDuels('duel-votes', classes, width)
    return classes
  },
  at:
    ({ classes }) =>
    (x, from, y, to) => {
      y.fill(0, to, to + classes)
      for (let i = 0; i < classes; i++)
        for (let j = i + 1; j < classes; j++) y[to + (x[from++] === 0 ? i : j)]!++
    },
})

/** libsvm keeps probabilities of duels this far from 0 and 1. */
const MARGIN = 1e-7

/** Platt's 1 / (1 + e^(aᵢ·xᵢ + bᵢ)), between 10⁻⁷ and 1 − 10⁻⁷: the chance that the first class wins duel i. */
export const platt = elementwise<{ a: Float64Array; b: Float64Array }>({
  name: 'platt',
  validate({ a, b }, { width }) {
    expectLength('platt', a, width)
    expectLength('platt', b, width)
  },
  at:
    ({ a, b }) =>
    (score, duel) => {
      const t = score * a[duel]! + b[duel]!
      const share = t >= 0 ? exp(-t) / (1 + exp(-t)) : 1 / (1 + exp(t))
      return Math.min(Math.max(share, MARGIN), 1 - MARGIN)
    },
})

/** libsvm gives up after this many rounds, or 100 where there are fewer classes. */
const LEAST_ROUNDS = 100
const PRECISION = 0.005

/**
 * Probabilities of n classes out of those of their duels, by pairwise coupling: the minimum of
 * Σᵢ Σⱼ (rⱼᵢ pᵢ − rᵢⱼ pⱼ)² over Σ p = 1, in the iteration of libsvm (Wu, Lin & Weng 2004, algorithm 2).
 */
export const pairwiseCoupling = rowwise<{ classes: number }>({
  name: 'pairwise-coupling',
  infer({ classes }, width) {
    expectDuels('pairwise-coupling', classes, width)
    return classes
  },
  at({ classes }) {
    const q = new Float64Array(classes * classes)
    const shares = new Float64Array(classes * classes)
    const qp = new Float64Array(classes)
    return (x, from, y, to) => {
      for (let i = 0; i < classes; i++)
        for (let j = i + 1; j < classes; j++) {
          shares[i * classes + j] = x[from++]!
          shares[j * classes + i] = 1 - shares[i * classes + j]!
        }
      objective(shares, q, classes)
      couple(q, qp, y.subarray(to, to + classes))
    }
  },
})

/** Q of the quadratic form pᵀQp: Σ rⱼᵢ² on the diagonal, −rⱼᵢ·rᵢⱼ beside it. */
function objective(shares: Float64Array, q: Float64Array, classes: number): void {
  for (let i = 0; i < classes; i++) {
    let diagonal = 0
    for (let j = 0; j < classes; j++) {
      if (j === i) continue
      const back = shares[j * classes + i]!
      diagonal += back * back
      q[i * classes + j] = -back * shares[i * classes + j]!
    }
    q[i * classes + i] = diagonal
  }
}

function couple(q: Float64Array, qp: Float64Array, p: Float64Array): void {
  const classes = p.length
  p.fill(1 / classes)
  for (let round = 0; round < Math.max(LEAST_ROUNDS, classes); round++) {
    const spread = multiplyForm(q, qp, p)
    let worst = 0
    for (let i = 0; i < classes; i++) worst = Math.max(worst, Math.abs(qp[i]! - spread))
    if (worst < PRECISION / classes) return
    sweep(q, qp, p, spread)
  }
}

/** qp = Q·p; answers pᵀQp */
function multiplyForm(q: Float64Array, qp: Float64Array, p: Float64Array): number {
  const classes = p.length
  let form = 0
  for (let i = 0; i < classes; i++) {
    let sum = 0
    for (let j = 0; j < classes; j++) sum += q[i * classes + j]! * p[j]!
    qp[i] = sum
    form += p[i]! * sum
  }
  return form
}

/** One coordinate after the other, kept at sum 1. */
function sweep(q: Float64Array, qp: Float64Array, p: Float64Array, spread: number): void {
  const classes = p.length
  let form = spread
  for (let i = 0; i < classes; i++) {
    const diagonal = q[i * classes + i]!
    const step = (form - qp[i]!) / diagonal
    p[i]! += step
    form = (form + step * (step * diagonal + 2 * qp[i]!)) / (1 + step) / (1 + step)
    for (let j = 0; j < classes; j++) {
      qp[j] = (qp[j]! + step * q[i * classes + j]!) / (1 + step)
      p[j]! /= 1 + step
    }
  }
}
