import { denseBlock, type Points } from '../exec/dense.ts'
import { expMany } from '../exec/exp.ts'
import type { Place } from '../exec/place.ts'
import { fastExp } from '../math/fast-exp.ts'
import type { DenseStep } from '../wasm/dense-kernel.ts'
import { elementwise } from './elementwise.ts'
import { type BlockKernel, defineOp, expectNumbers, numbers } from './op.ts'
import { rowsIn, rowwise } from './rowwise.ts'

/**
 * How far a row is from every point, as the search trees of scikit-learn compare it: before the root. `squared`
 * Σ (xᵢ − pᵢ)² · `manhattan` Σ |xᵢ − pᵢ| · `chebyshev` max |xᵢ − pᵢ| · `power` Σ |xᵢ − pᵢ|^power ·
 * `expanded` max(0, (Σ pᵢ² − 2 Σ xᵢpᵢ) + Σ xᵢ²), the same as `squared` but for rounding · `cosine` 1 − x·p / |x||p|
 */
export type Metric = 'squared' | 'expanded' | 'manhattan' | 'chebyshev' | 'power' | 'cosine'

export type DistanceAttrs = {
  readonly metric: Metric
  /** points × columns. */
  readonly points: Float64Array
  /** Exponent of the metric `power`, unread otherwise. */
  readonly power: number
}

/** x from `from` and p from `at` on, both of `width` columns. */
export type Between = (x: Float64Array, from: number, p: Float64Array, at: number) => number

const dot =
  (width: number): Between =>
  (x, from, p, at) => {
    let sum = 0
    for (let i = 0; i < width; i++) sum += x[from + i]! * p[at + i]!
    return sum
  }

const METRICS: Readonly<Record<Metric, (width: number, power: number) => Between>> = {
  squared: (width) => (x, from, p, at) => {
    let sum = 0
    for (let i = 0; i < width; i++) {
      const gap = x[from + i]! - p[at + i]!
      sum += gap * gap
    }
    return sum
  },
  expanded(width) {
    const product = dot(width)
    return (x, from, p, at) =>
      Math.max(0, product(p, at, p, at) - 2 * product(x, from, p, at) + product(x, from, x, from))
  },
  manhattan: (width) => (x, from, p, at) => {
    let sum = 0
    for (let i = 0; i < width; i++) sum += Math.abs(x[from + i]! - p[at + i]!)
    return sum
  },
  chebyshev: (width) => (x, from, p, at) => {
    let largest = 0
    for (let i = 0; i < width; i++) largest = Math.max(largest, Math.abs(x[from + i]! - p[at + i]!))
    return largest
  },
  power: (width, power) => (x, from, p, at) => {
    let sum = 0
    for (let i = 0; i < width; i++) sum += Math.abs(x[from + i]! - p[at + i]!) ** power
    return sum
  },
  cosine(width) {
    const product = dot(width)
    const length = (x: Float64Array, at: number) => {
      const own = Math.sqrt(product(x, at, x, at))
      return own < 10 * Number.EPSILON ? 1 : own
    }
    return (x, from, p, at) => {
      const [ours, theirs] = [length(x, from), length(p, at)]
      let sum = 0
      for (let i = 0; i < width; i++) sum += (x[from + i]! / ours) * (p[at + i]! / theirs)
      return Math.min(2, Math.max(0, 1 - sum))
    }
  },
}

/** Compares a row of `width` columns with a point. @throws RangeError for a metric we do not know */
export function betweenOf(metric: Metric, width: number, power: number): Between {
  if (!Object.hasOwn(METRICS, metric)) throw new RangeError(`distances: no metric ${metric}`)
  return METRICS[metric](width, power)
}

/** distance = value^(1 / power) of a value that is compared before its root is taken. */
export const rootOf =
  (power: number) =>
  (value: number): number => {
    if (power === 1) return value
    return power === 2 ? Math.sqrt(value) : value ** (1 / power)
  }

const rowByRow = rowwise<DistanceAttrs>({
  name: 'distances',
  infer({ metric, points, power }, width) {
    betweenOf(metric, width, power)
    return rowsIn('distances', points, width)
  },
  at({ metric, points, power }, width) {
    const between = betweenOf(metric, width, power)
    return (x, from, y, to) => {
      for (let at = 0; at < points.length; at += width) y[to++] = between(x, from, points, at)
    }
  },
})

/** Metrics that the dense kernel goes through the columns for. */
const STEPS: { readonly [metric in Metric]?: DenseStep } = {
  squared: 'squared',
  manhattan: 'manhattan',
  chebyshev: 'chebyshev',
  expanded: 'product',
}
/** Fewer points than fill a vector or two are compared one by one. */
const KERNEL_POINTS = 4

/** The distance of the row to every point, one column per point. */
export const distances = defineOp<DistanceAttrs>({
  ...rowByRow,
  block(attrs, types, place) {
    const step = STEPS[attrs.metric]
    const { width } = types[0]!
    const count = attrs.points.length / width
    if (step === undefined || count < KERNEL_POINTS) return rowByRow.block!(attrs, types, place)
    const points = { points: attrs.points, columns: width }
    return attrs.metric === 'expanded' ? expandedBlock(points, place) : steppedBlock(step, points, place)
  },
})

function steppedBlock(step: DenseStep, points: Points, place: Place): BlockKernel {
  const compare = denseBlock(step, points, place)
  const count = points.points.length / points.columns
  return ([x], out, rows) =>
    compare(x!.numbers, rows, (row, results, start) => {
      for (let j = 0, at = row * count; j < count; j++) out.numbers[at + j] = results[start + j]!
    })
}

function expandedBlock({ points, columns: width }: Points, place: Place): BlockKernel {
  const products = denseBlock('product', { points, columns: width }, place)
  const count = points.length / width
  const product = dot(width)
  const squares = Float64Array.from({ length: count }, (_, j) =>
    product(points, j * width, points, j * width),
  )
  return ([x], out, rows) =>
    products(x!.numbers, rows, (row, results, start) => {
      const own = product(x!.numbers, row * width, x!.numbers, row * width)
      for (let j = 0, at = row * count; j < count; j++)
        out.numbers[at + j] = Math.max(0, squares[j]! - 2 * results[start + j]! + own)
    })
}

/**
 * What turns products and distances into kernels; sums of them are only promised to 1e-13, so the fast e^x will do.
 * `exponential` e^(a·x) · `polynomial` (a·x + b)^c ·
 * `sigmoid` tanh(a·x + b) · `matern-1` (1 + √3 x) e^(−√3 x) and `matern-2` (1 + √5 x + 5x²/3) e^(−√5 x) of a
 * distance x · `rational` (1 + a·x)^−b of a squared distance · `periodic` e^(−2 (sin(a·x) / b)²) of a distance ·
 * `affine` a·x + b · `log-gaussian` −½ (a·x)² · `log-exponential` −a·x ·
 * `log-tophat`, `log-epanechnikov`, `log-linear` ln of 1, 1 − (a·x)² and 1 − a·x where a·x < 1, else −∞
 */
const FORMULAS = {
  exponential: (x, a) => fastExp(a * x),
  polynomial: (x, a, b, c) => (a * x + b) ** c,
  sigmoid: (x, a, b) => Math.tanh(a * x + b),
  'matern-1': (x) => (1 + Math.sqrt(3) * x) * Math.exp(-Math.sqrt(3) * x),
  'matern-2': (x) => (1 + Math.sqrt(5) * x + (5 * x * x) / 3) * Math.exp(-Math.sqrt(5) * x),
  rational: (x, a, b) => (1 + a * x) ** -b,
  periodic: (x, a, b) => Math.exp(-2 * (Math.sin(a * x) / b) ** 2),
  affine: (x, a, b) => a * x + b,
  'log-gaussian': (x, a) => -0.5 * (a * x) ** 2,
  'log-exponential': (x, a) => -a * x,
  'log-tophat': (x, a) => (a * x < 1 ? 0 : Number.NEGATIVE_INFINITY),
  'log-epanechnikov': (x, a) => (a * x < 1 ? Math.log(1 - (a * x) ** 2) : Number.NEGATIVE_INFINITY),
  'log-linear': (x, a) => (a * x < 1 ? Math.log(1 - a * x) : Number.NEGATIVE_INFINITY),
} satisfies Record<string, (x: number, a: number, b: number, c: number) => number>

export type Formula = keyof typeof FORMULAS

/** One formula on every element. */
export const kernelFormula = elementwise<{ formula: Formula; a: number; b: number; c: number }>({
  name: 'kernel-formula',
  validate({ formula }) {
    if (!Object.hasOwn(FORMULAS, formula)) throw new RangeError(`kernel-formula: no formula ${formula}`)
  },
  at({ formula, a, b, c }) {
    const compute: (x: number, a: number, b: number, c: number) => number = FORMULAS[formula]
    return (x) => compute(x, a, b, c)
  },
  many({ formula, a, b, c }) {
    if (formula === 'exponential') return (x, y, count) => expMany(x, y, { count, factor: a })
    const compute: (x: number, a: number, b: number, c: number) => number = FORMULAS[formula]
    return (x, y, count) => {
      for (let i = 0; i < count; i++) y[i] = compute(x[i]!, a, b, c)
    }
  },
})

/** Product of inputs of one width, element by element. */
export const multiply = defineOp<Record<string, never>>({
  name: 'multiply',
  infer(_, inputs) {
    const { width } = expectNumbers('multiply', inputs[0])
    for (const input of inputs) expectNumbers('multiply', input, width)
    return numbers(width)
  },
  ref: (_, inputs) =>
    inputs[0]!.map((_, i) => inputs.reduce((product, row) => product * (row[i] as number), 1)),
  block(_, [first]) {
    const { width } = first!
    return (blocks, out, rows) => {
      for (let i = 0; i < rows * width; i++) {
        let product = 1
        for (let k = 0; k < blocks.length; k++) product *= blocks[k]!.numbers[i]!
        out.numbers[i] = product
      }
    }
  },
})
