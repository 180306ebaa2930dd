import type { Attrs } from '../ir/program.ts'
import { exp as exponential, log as logarithm } from '../math/glibc.ts'
import { logit } from '../math/logit.ts'
import { pairwiseSum } from '../math/pairwise-sum.ts'
import { type Block, defineOp, expectNumbers, numbers, type Op } from './op.ts'

/**
 * From raw scores to answers, in the rounding of numpy, scipy and scikit-learn. What goes through the C library there
 * (scipy's expit) is bit-equal. numpy's vector exp and log differ by a unit or two in the last place from one CPU to
 * the next, so answers behind those are correct only to that.
 */

type None = Record<string, never>

/** One row inside a block. */
type Span = { values: Float64Array; at: number; readonly width: number }

/** An operation on one row of numbers, given once for a single row and for a block. */
function rowOp<A extends Attrs>(op: {
  name: string
  width: (inputWidth: number) => number
  compute: (x: Span, out: Span, attrs: A) => void
}): Op<A> {
  return defineOp<A>({
    name: op.name,
    infer: (_, [x]) => numbers(op.width(expectNumbers(op.name, x).width)),
    ref(attrs, [x]) {
      const width = op.width(x!.length)
      const out = { values: new Float64Array(width), at: 0, width }
      op.compute({ values: Float64Array.from(x as readonly number[]), at: 0, width: x!.length }, out, attrs)
      return Array.from(out.values)
    },
    block(attrs, [type]) {
      const from = type!.width
      const to = op.width(from)
      return ([source], target, rows) => {
        const x = { values: source!.numbers, at: 0, width: from }
        const out = { values: target.numbers, at: 0, width: to }
        for (let r = 0; r < rows; r++, x.at += from, out.at += to) op.compute(x, out, attrs)
      }
    },
  })
}

/** An operation on every element alone. */
function elementOp<A extends Attrs>(name: string, compute: (x: number, attrs: A) => number): Op<A> {
  return defineOp<A>({
    name,
    columnwise: true,
    infer: (_, [x]) => numbers(expectNumbers(name, x).width),
    ref: (attrs, [x]) => (x as readonly number[]).map((value) => compute(value, attrs)),
    block(attrs, [x]) {
      const width = x!.width
      return ([source], out, rows) => {
        for (let i = 0; i < rows * width; i++) out.numbers[i] = compute(source!.numbers[i]!, attrs)
      }
    },
  })
}

/** scipy.special.expit(scale · x) = 1 / (1 + exp(−scale · x)), bit-equal to glibc */
export const expit = elementOp<{ scale: number }>(
  'expit',
  (x, { scale }) => 1 / (1 + exponential(-(scale * x))),
)

/** exp(x): inverse of the log link of Poisson, gamma and Tweedie losses */
export const exp = elementOp<None>('exp', (x) => exponential(x))

/** Natural logarithm */
export const log = elementOp<None>('log', (x) => logarithm(x))

/** log(1 + e^x) */
export const logOfOnePlusExp = elementOp<None>('log-one-plus-exp', (x) => Math.log1p(exponential(x)))

/** sign(x) · x²: inverse of the square root that LightGBM fits with `reg_sqrt` */
export const signedSquare = elementOp<None>('signed-square', (x) => Math.sign(x) * x * x)

/** Class index of a score: 1 above the threshold (or at it, when `inclusive`), else 0 */
export const threshold = elementOp<{ threshold: number; inclusive: boolean }>('threshold', (x, attrs) =>
  x > attrs.threshold || (attrs.inclusive && x === attrs.threshold) ? 1 : 0,
)

/** Every element as the nearest float32: what a float32 array would hold */
export const toFloat32 = defineOp<None>({
  name: 'to-float32',
  columnwise: true,
  infer: (_, [x]) => numbers(expectNumbers('to-float32', x).width, 'f32'),
  ref: (_, [x]) => (x as readonly number[]).map(Math.fround),
  block(_, [x]) {
    const width = x!.width
    return ([source], out, rows) => {
      for (let i = 0; i < rows * width; i++) out.numbers[i] = Math.fround(source!.numbers[i]!)
    }
  },
})

function maximum({ values, at, width }: Span): number {
  let max = values[at]!
  for (let i = 1; i < width; i++) if (values[at + i]! > max) max = values[at + i]!
  return max
}

/** sklearn.utils.extmath.softmax: exp(xᵢ − max) / Σ exp(xⱼ − max) */
export const softmax = rowOp<None>({
  name: 'softmax',
  width: (width) => width,
  compute(x, out) {
    const max = maximum(x)
    for (let i = 0; i < x.width; i++) out.values[out.at + i] = exponential(x.values[x.at + i]! - max)
    const sum = pairwiseSum(out.values, out.at, out.width)
    for (let i = 0; i < x.width; i++) out.values[out.at + i]! /= sum
  },
})

/** The same with the sum taken from left to right, as LightGBM does */
export const softmaxInOrder = rowOp<None>({
  name: 'softmax-in-order',
  width: (width) => width,
  compute(x, out) {
    const max = maximum(x)
    let sum = 0
    for (let i = 0; i < x.width; i++) {
      const power = exponential(x.values[x.at + i]! - max)
      out.values[out.at + i] = power
      sum += power
    }
    for (let i = 0; i < x.width; i++) out.values[out.at + i]! /= sum
  },
})

type RawLink = 'log-odds' | 'logit' | 'log' | 'centred-log'

/**
 * Probabilities, kept a margin away from 0 and 1, as the raw scores that boosting starts from:
 * `log-odds` log(p / (1 − p)), `logit` the same as scipy computes it, `log` log p, `centred-log` log(p / geometric mean);
 * times `scale`.
 */
export const rawScores = rowOp<{ link: RawLink; scale: number; margin: number }>({
  name: 'raw-scores',
  width: (width) => width,
  compute({ values, at, width }, out, { link, scale, margin }) {
    for (let i = 0; i < width; i++)
      out.values[out.at + i] = Math.min(Math.max(values[at + i]!, margin), 1 - margin)
    const centre = link === 'centred-log' ? geometricMean(out) : 1
    for (let i = 0; i < width; i++)
      out.values[out.at + i] = scale * rawScore(out.values[out.at + i]!, link, centre)
  },
})

function rawScore(p: number, link: RawLink, centre: number): number {
  if (link === 'logit') return logit(p)
  if (link === 'log-odds') return logarithm(p / (1 - p))
  return logarithm(p / centre)
}

/** exp(mean log x) */
function geometricMean({ values, at, width }: Span): number {
  const logs = new Float64Array(width)
  for (let i = 0; i < width; i++) logs[i] = logarithm(values[at + i]!)
  return exponential(pairwiseSum(logs, 0, width) / width)
}

/** exp(xᵢ − logsumexp(x)), scipy's logsumexp = log Σ exp(xⱼ − max) + max */
export const expNormalise = rowOp<None>({
  name: 'exp-normalise',
  width: (width) => width,
  compute(x, out) {
    const max = maximum(x)
    const shift = Number.isFinite(max) ? max : 0
    for (let i = 0; i < x.width; i++) out.values[out.at + i] = exponential(x.values[x.at + i]! - shift)
    const total = logarithm(pairwiseSum(out.values, out.at, out.width)) + shift
    for (let i = 0; i < x.width; i++) out.values[out.at + i] = exponential(x.values[x.at + i]! - total)
  },
})

/** numpy.argmax: index of the first largest element; a NaN is larger than everything */
export const argmax = rowOp<None>({
  name: 'argmax',
  width: () => 1,
  compute({ values, at, width }, out) {
    let best = 0
    for (let i = 0; i < width; i++) {
      if (values[at + i]! > values[at + best]!) best = i
      if (Number.isNaN(values[at + i]!)) {
        best = i
        break
      }
    }
    out.values[out.at] = best
  },
})

/** [1 − p, p] */
export const binaryProba = rowOp<None>({
  name: 'binary-proba',
  width: () => 2,
  compute(p, out) {
    const positive = p.values[p.at]!
    out.values[out.at] = 1 - positive
    out.values[out.at + 1] = positive
  },
})

/**
 * xᵢ / Σ x. When the sum is 0: `divide` divides anyway (NaN), `keep` leaves the row, `uniform` answers 1 / width.
 */
export const normalise = rowOp<{ zero: 'divide' | 'keep' | 'uniform' }>({
  name: 'normalise',
  width: (width) => width,
  compute(x, out, { zero }) {
    const sum = pairwiseSum(x.values, x.at, x.width)
    const uniform = sum === 0 && zero === 'uniform'
    const divisor = sum === 0 && zero === 'keep' ? 1 : sum
    for (let i = 0; i < x.width; i++)
      out.values[out.at + i] = uniform ? 1 / x.width : x.values[x.at + i]! / divisor
  },
})

/**
 * (Σ wᵢ · inputᵢ) / divide over several inputs of one width, added in input order; no weights means all 1.
 * numpy.average(…, axis=0, weights=w) is weights w, divide Σ w; a sum is divide 1.
 */
export const average = defineOp<{ weights: Float64Array; divide: number }>({
  name: 'average',
  infer({ weights }, inputs) {
    const first = expectNumbers('average', inputs[0])
    for (const input of inputs) expectNumbers('average', input, first.width)
    if (weights.length > 0 && weights.length !== inputs.length)
      throw new RangeError(`average: ${weights.length} weights for ${inputs.length} inputs`)
    return numbers(first.width)
  },
  ref({ weights, divide }, inputs) {
    const weighted = inputs.map((row, i) => (row as readonly number[]).map((x) => x * (weights[i] ?? 1)))
    return weighted.reduce((sum, row) => sum.map((x, c) => x + row[c]!)).map((sum) => sum / divide)
  },
  block({ weights, divide }, inputs) {
    const width = inputs[0]!.width
    return (blocks, out, rows) => {
      for (let i = 0; i < rows * width; i++) out.numbers[i] = weightedSum(blocks, weights, i) / divide
    }
  },
})

function weightedSum(blocks: readonly Block[], weights: Float64Array, at: number): number {
  let sum = blocks[0]!.numbers[at]! * (weights[0] ?? 1)
  for (let k = 1; k < blocks.length; k++) sum += blocks[k]!.numbers[at]! * (weights[k] ?? 1)
  return sum
}

/** 1 in column targets[index] of a class index, 0 elsewhere */
export const vote = defineOp<{ targets: Int32Array; width: number }>({
  name: 'vote',
  infer({ targets, width }, [x]) {
    expectNumbers('vote', x, 1)
    for (const target of targets)
      if (target < 0 || target >= width) throw new RangeError(`vote: column ${target} of ${width}`)
    return numbers(width)
  },
  ref({ targets, width }, [x]) {
    const chosen = targets[x![0] as number]
    return Array.from({ length: width }, (_, column) => (column === chosen ? 1 : 0))
  },
  block({ targets, width }) {
    return ([x], out, rows) => {
      out.numbers.fill(0, 0, rows * width)
      for (let r = 0; r < rows; r++) {
        const chosen = targets[x!.numbers[r]!]
        if (chosen !== undefined) out.numbers[r * width + chosen] = 1
      }
    }
  },
})

/**
 * The same row whatever the input: what dummies and single-class models answer. `rounded`: computed with a function whose
 * last place depends on the library's machine.
 */
export const constant = defineOp<{ values: Float64Array; rounded?: boolean }>({
  name: 'constant',
  infer: ({ values }) => numbers(values.length),
  ref: ({ values }) => Array.from(values),
  block:
    ({ values }) =>
    (_, out, rows) => {
      for (let r = 0; r < rows; r++) out.numbers.set(values, r * values.length)
    },
})
