import { RowError } from '../errors.ts'
import { interpolate } from '../math/interpolate.ts'
import { NORMAL_LIMIT, normalQuantile } from '../math/normal.ts'
import { elementwise, expectLength } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type Step = { readonly by: 'add' | 'subtract' | 'multiply' | 'divide'; readonly values: Float64Array }

const ARITHMETIC: Readonly<Record<Step['by'], (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
}

type Loop = (source: Float64Array, values: Float64Array, target: Float64Array, count: number) => void

/** The same over `count` elements of rows as wide as `values`, without a call per element. */
const LOOPS: Readonly<Record<Step['by'], Loop>> = {
  add(source, values, target, count) {
    for (let i = 0, c = 0; i < count; i++, c = c + 1 === values.length ? 0 : c + 1)
      target[i] = source[i]! + values[c]!
  },
  subtract(source, values, target, count) {
    for (let i = 0, c = 0; i < count; i++, c = c + 1 === values.length ? 0 : c + 1)
      target[i] = source[i]! - values[c]!
  },
  multiply(source, values, target, count) {
    for (let i = 0, c = 0; i < count; i++, c = c + 1 === values.length ? 0 : c + 1)
      target[i] = source[i]! * values[c]!
  },
  divide(source, values, target, count) {
    for (let i = 0, c = 0; i < count; i++, c = c + 1 === values.length ? 0 : c + 1)
      target[i] = source[i]! / values[c]!
  },
}

/**
 * Constant rows added, subtracted, multiplied, divided, one step after the other, as numpy's in-place operators do.
 * `single`: the row is float32, and so is every intermediate result.
 */
export const arithmetic = defineOp<{ steps: readonly Step[]; single: boolean }>({
  name: 'arithmetic',
  columnwise: true,
  infer({ steps, single }, [x]) {
    const type = expectNumbers('arithmetic', x)
    if (single && type.dtype !== 'f32') throw new RangeError('arithmetic: single precision of a float64 row')
    if (steps.length === 0) throw new RangeError('arithmetic: no steps')
    for (const { by, values } of steps) {
      if (!Object.hasOwn(ARITHMETIC, by)) throw new RangeError(`arithmetic: no step ${by}`)
      expectLength('arithmetic', values, type.width)
    }
    return numbers(type.width, single ? 'f32' : 'f64')
  },
  ref({ steps, single }, [x]) {
    const round = single ? Math.fround : (value: number) => value
    return x!.map((value, column) =>
      steps.reduce((v, { by, values }) => round(ARITHMETIC[by](v, values[column]!)), value as number),
    )
  },
  block({ steps, single }, [x]) {
    return ([from], out, rows) => {
      const count = rows * x!.width
      let source = from!.numbers
      for (const { by, values } of steps) {
        LOOPS[by](source, values, out.numbers, count)
        if (single) for (let i = 0; i < count; i++) out.numbers[i] = Math.fround(out.numbers[i]!)
        source = out.numbers
      }
    }
  },
})

/** numpy.clip: NaN stays. */
export const clip = elementwise<{ low: number; high: number }>({
  name: 'clip',
  validate() {},
  at:
    ({ low, high }) =>
    (value) =>
      Math.min(Math.max(value, low), high),
})

/** 1 where the value exceeds the threshold, else 0. */
export const binarize = elementwise<{ threshold: number }>({
  name: 'binarize',
  validate() {},
  at:
    ({ threshold }) =>
    (value) =>
      value > threshold ? 1 : 0,
})

/** Vector norms of `Normalizer`; a norm within rounding of zero counts as one. */
const NORMS: Readonly<Record<string, (sum: number, value: number) => number>> = {
  l1: (sum, value) => sum + Math.abs(value),
  l2: (sum, value) => sum + value * value,
  max: (sum, value) => Math.max(sum, Math.abs(value)),
}
/** The row divided by its norm, unless that is below `least`. */
export const normalize = defineOp<{ norm: string; least: number }>({
  name: 'normalize',
  infer({ norm }, [x]) {
    if (!Object.hasOwn(NORMS, norm)) throw new RangeError(`normalize: no norm ${norm}`)
    return numbers(expectNumbers('normalize', x).width)
  },
  ref({ norm, least }, [x]) {
    const sum = (x as readonly number[]).reduce(NORMS[norm]!, 0)
    const length = norm === 'l2' ? Math.sqrt(sum) : sum
    return x!.map((value) => (value as number) / (length < least ? 1 : length))
  },
  block({ norm, least }, [x]) {
    const width = x!.width
    const add = NORMS[norm]!
    return ([from], out, rows) => {
      for (let start = 0; start < rows * width; start += width) {
        let sum = 0
        for (let i = start; i < start + width; i++) sum = add(sum, from!.numbers[i]!)
        const root = norm === 'l2' ? Math.sqrt(sum) : sum
        const length = root < least ? 1 : root
        for (let i = start; i < start + width; i++) out.numbers[i] = from!.numbers[i]! / length
      }
    }
  },
})

/**
 * Box-Cox: (xᵏ − 1)/λ, ln x at λ = 0, as scipy.special.boxcox computes it.
 * @throws RowError where x is not positive: the transform is not defined there
 */
export const boxCox = elementwise<{ lambdas: Float64Array }>({
  name: 'box-cox',
  validate: ({ lambdas }, type) => expectLength('box-cox', lambdas, type.width),
  at:
    ({ lambdas }) =>
    (value, column) => {
      if (value <= 0) throw new RowError('the Box-Cox transformation takes positive numbers only', column)
      const lambda = lambdas[column]!
      if (Math.abs(lambda) < 1e-19) return Math.log(value)
      return Math.expm1(lambda * Math.log(value)) / lambda
    },
})

/** Yeo and Johnson's extension of Box-Cox to all numbers, in the order of scikit-learn's own formula. */
export const yeoJohnson = elementwise<{ lambdas: Float64Array }>({
  name: 'yeo-johnson',
  validate: ({ lambdas }, type) => expectLength('yeo-johnson', lambdas, type.width),
  at:
    ({ lambdas }) =>
    (value, column) => {
      const lambda = lambdas[column]!
      if (value >= 0)
        return Math.abs(lambda) < Number.EPSILON ? Math.log1p(value) : ((value + 1) ** lambda - 1) / lambda
      return Math.abs(lambda - 2) > Number.EPSILON
        ? -((-value + 1) ** (2 - lambda) - 1) / (2 - lambda)
        : -Math.log1p(-value)
    },
})

/**
 * Empirical distribution function of every column: the mean of interpolating the quantiles from below and from above
 * (they differ where a quantile repeats), then through the normal quantile function when `normal`.
 * `quantiles` is column after column. NaN stays NaN.
 */
export const quantileTransform = elementwise<{
  quantiles: readonly Float64Array[]
  references: Float64Array
  normal: boolean
  /** Values within 1e-7 of the ends count as the ends, and shares stay that far from 0 and 1. */
  near: boolean
}>({
  name: 'quantile-transform',
  validate({ quantiles, references }, type) {
    expectLength('quantile-transform', quantiles, type.width)
    for (const column of quantiles) expectLength('quantile-transform', column, references.length)
    if (references.length === 0) throw new RangeError('quantile-transform: no quantiles')
  },
  at({ quantiles, references, normal, near }) {
    const reversed = (values: Float64Array) => values.toReversed().map((value) => -value)
    const fromAbove = quantiles.map(reversed)
    const downwards = reversed(references)
    const last = references.length - 1
    return (value, column) => {
      const knots = quantiles[column]!
      if (Number.isNaN(value)) return value
      let share =
        0.5 * (interpolate(value, knots, references) - interpolate(-value, fromAbove[column]!, downwards))
      if (near ? value + NORMAL_LIMIT > knots[last]! : value === knots[last]) share = 1
      if (near ? value - NORMAL_LIMIT < knots[0]! : value === knots[0]) share = 0
      if (normal) return normalQuantile(share)
      const least = NORMAL_LIMIT - Number.EPSILON
      return near ? Math.min(Math.max(share, least), 1 - least) : share
    }
  },
})
