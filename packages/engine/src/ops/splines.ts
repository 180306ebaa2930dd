import { RowError } from '../errors.ts'
import { type BSpline, domainOf, evaluateSpline } from '../math/b-spline.ts'
import { rowwise } from './rowwise.ts'

type Outside = 'continue' | 'error' | 'constant' | 'linear' | 'periodic'

type SplineAttrs = {
  readonly degree: number
  /** Per column. */
  readonly knots: readonly Float64Array[]
  /** Per column: basis functions × outputs. */
  readonly coefficients: readonly Float64Array[]
  /** Splines per column. */
  readonly outputs: number
  /**
   * What holds outside of the knots: the polynomials go on, the row is refused, the outermost splines stay as they are
   * at the edge or go on along their slope there, or everything repeats.
   */
  readonly outside: Outside
}

const OUTSIDE: readonly string[] = ['continue', 'error', 'constant', 'linear', 'periodic'] satisfies Outside[]

/**
 * Every column as its values of several B-splines, side by side, as scikit-learn's SplineTransformer.
 * @throws RowError beyond the knots where `outside` is `error`
 */
export const splineBasis = rowwise<SplineAttrs>({
  name: 'spline-basis',
  infer({ degree, knots, coefficients, outputs, outside }, width) {
    if (knots.length !== width || coefficients.length !== width)
      throw new RangeError(`spline-basis: ${knots.length} splines for ${width} columns`)
    if (
      !OUTSIDE.includes(outside) ||
      !Number.isInteger(degree) ||
      degree < 0 ||
      outputs < Math.max(1, degree)
    )
      throw new RangeError('spline-basis: attributes do not fit')
    knots.forEach((own, column) => {
      const functions = own.length - degree - 1
      if (functions <= degree || coefficients[column]!.length !== functions * outputs)
        throw new RangeError(`spline-basis: the coefficients of column ${column} do not fit its knots`)
    })
    return width * outputs
  },
  at(attrs, width) {
    const columns = Array.from({ length: width }, (_, column) => splineColumn(attrs, column))
    return (x, from, y, to) => {
      for (let c = 0; c < width; c++) columns[c]!(x[from + c]!, y, to + c * attrs.outputs)
    }
  },
})

type Column = (x: number, y: Float64Array, to: number) => void

function splineColumn(
  { degree, knots, coefficients, outputs, outside }: SplineAttrs,
  column: number,
): Column {
  const spline = { degree, knots: knots[column]!, coefficients: coefficients[column]!, outputs }
  const [low, high] = domainOf(spline)
  const inside: Column = (x, y, to) => evaluateSpline(spline, x, 0, { y, to })
  if (outside === 'continue') return inside
  if (outside === 'periodic') return (x, y, to) => inside(low + modulo(x - low, high - low), y, to)
  if (outside === 'error')
    return (x, y, to) => {
      if (!(x >= low && x <= high)) throw new RowError('is beyond the knots of the splines', column)
      inside(x, y, to)
    }
  const [below, above] = [edgeOf(spline, low), edgeOf(spline, high)]
  const slope = outside === 'linear' ? 1 : 0
  const moving = outside === 'linear' ? Math.max(degree, 1) : degree
  return (x, y, to) => {
    if (x >= low && x <= high) return inside(x, y, to)
    const edge = x < low ? below : above
    const start = x < low ? 0 : outputs - moving
    y.fill(0, to, to + outputs)
    for (let k = start; k < start + moving; k++)
      y[to + k] = edge.values[k]! + slope * (x - edge.at) * edge.slopes[k]!
  }
}

/** Values and slopes of all splines at one end of the knots. */
function edgeOf(spline: BSpline, at: number): { at: number; values: Float64Array; slopes: Float64Array } {
  const values = new Float64Array(spline.outputs)
  const slopes = new Float64Array(spline.outputs)
  evaluateSpline(spline, at, 0, { y: values, to: 0 })
  if (spline.degree > 0) evaluateSpline(spline, at, 1, { y: slopes, to: 0 })
  return { at, values, slopes }
}

/** numpy's remainder: it has the sign of the divisor. */
function modulo(x: number, period: number): number {
  const rest = x % period
  return rest < 0 ? rest + period : rest
}
