import { RowError } from '../errors.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type InterpolateAttrs = {
  /** Ascending. */
  readonly x: Float64Array
  readonly y: Float64Array
  /** A value outside the first and last x: becomes NaN, is moved into `range` before, or is the row's error. */
  readonly outside: 'nan' | 'clip' | 'raise'
  /** Smallest and largest value seen in training. */
  readonly range: readonly [number, number]
  /** float32 points: scipy's own formula in float32 instead of numpy.interp's. */
  readonly single: boolean
}

/**
 * Piecewise linear through the points (x, y), for a row of one number.
 * float64 (numpy.interp): y at a point exactly, slope · (v − x₀) + y₀ between two, on the segment of the last x ≤ v.
 * float32 (scipy interp1d): on the segment that ends at the first x ≥ v, every operation rounded to float32.
 */
export const interpolate = defineOp<InterpolateAttrs>({
  name: 'interpolate',
  infer({ x, y, range, single }, [value]) {
    expectNumbers('interpolate', value, 1)
    if (x.length !== y.length || x.length < 2)
      throw new RangeError('interpolate: expects two points or more, as many x as y')
    if (x.some((at, i) => i > 0 && !(x[i - 1]! <= at))) throw new RangeError('interpolate: x must ascend')
    if (!(range[0] <= range[1])) throw new RangeError('interpolate: the range is empty')
    return numbers(1, single ? 'f32' : 'f64')
  },
  ref(attrs, [row]) {
    return [evaluate(attrs, row![0] as number)]
  },
  block:
    (attrs) =>
    ([from], out, rows) => {
      for (let r = 0; r < rows; r++) out.numbers[r] = evaluate(attrs, from!.numbers[r]!)
    },
})

function evaluate(attrs: InterpolateAttrs, given: number): number {
  const { x, outside, range } = attrs
  const value = outside === 'clip' ? Math.min(Math.max(given, range[0]), range[1]) : given
  const inside = value >= x[0]! && value <= x[x.length - 1]!
  if (inside) return attrs.single ? betweenSingle(attrs, value) : betweenDouble(attrs, value)
  if (outside === 'raise' && !Number.isNaN(value))
    throw new RowError('lies outside the range seen in training', 0)
  return Number.NaN
}

function betweenDouble({ x, y }: InterpolateAttrs, value: number): number {
  const left = countBelow(x, value, true) - 1
  if (left === x.length - 1 || x[left] === value) return y[left]!
  const slope = (y[left + 1]! - y[left]!) / (x[left + 1]! - x[left]!)
  return slope * (value - x[left]!) + y[left]!
}

function betweenSingle({ x, y }: InterpolateAttrs, value: number): number {
  const round = Math.fround
  const right = Math.max(countBelow(x, value, false), 1)
  const left = right - 1
  const slope = round(round(y[right]! - y[left]!) / round(x[right]! - x[left]!))
  return round(round(slope * round(value - x[left]!)) + y[left]!)
}

/** How many of the ascending `x` are below `value` (or equal to it, when `inclusive`). */
function countBelow(x: Float64Array, value: number, inclusive: boolean): number {
  let low = 0
  let high = x.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (x[middle]! < value || (inclusive && x[middle] === value)) low = middle + 1
    else high = middle
  }
  return low
}
