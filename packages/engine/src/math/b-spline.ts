/** A B-spline: `knots` t₀ ≤ t₁ …, and per basis function a row of `outputs` coefficients. */
export type BSpline = {
  readonly degree: number
  readonly knots: Float64Array
  readonly coefficients: Float64Array
  readonly outputs: number
}

/** First and last knot between which all basis functions add up to one. */
export const domainOf = ({ knots, degree }: BSpline): [low: number, high: number] => [
  knots[degree]!,
  knots[knots.length - degree - 1]!,
]

/** Index ℓ of the knot interval t[ℓ] ≤ x < t[ℓ + 1]; the first or last one of the domain for x outside. */
function intervalOf({ knots, degree }: BSpline, x: number): number {
  let interval = degree
  const last = knots.length - degree - 2
  while (interval < last && x >= knots[interval + 1]!) interval++
  return interval
}

/**
 * The splines (or, for `derivative` 1, their slopes) at x by the recursion of Cox and de Boor; outside of the domain the
 * outermost polynomials go on. Writes `outputs` numbers to y from `to` on.
 */
export function evaluateSpline(
  spline: BSpline,
  x: number,
  derivative: 0 | 1,
  { y, to }: { y: Float64Array; to: number },
): void {
  const { degree, coefficients, outputs } = spline
  const interval = intervalOf(spline, x)
  const basis = basisAt(spline, x, interval, derivative)
  for (let k = 0; k < outputs; k++) {
    let sum = 0
    for (let a = 0; a <= degree; a++) sum += coefficients[(interval - degree + a) * outputs + k]! * basis[a]!
    y[to + k] = sum
  }
}

/** The degree + 1 basis functions that are not zero in an interval. */
function basisAt({ knots, degree }: BSpline, x: number, interval: number, derivative: 0 | 1): number[] {
  const basis = new Array<number>(degree + 1).fill(0)
  basis[0] = 1
  for (let j = 1; j <= degree; j++) {
    const slope = j > degree - derivative
    const before = basis.slice(0, j)
    basis[0] = 0
    for (let n = 1; n <= j; n++) {
      const [right, left] = [knots[interval + n]!, knots[interval + n - j]!]
      const share = right === left ? 0 : before[n - 1]! / (right - left)
      basis[n - 1]! += slope ? -j * share : share * (right - x)
      basis[n] = slope ? j * share : share * (x - left)
    }
  }
  return basis
}
