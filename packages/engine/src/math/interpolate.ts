/**
 * Piecewise linear interpolation, bit by bit numpy.interp: `x` through the points (xs, ys), xs ascending; the first and
 * last y outside. Of repeated xs the last counts. NaN gives NaN.
 */
export function interpolate(x: number, xs: Float64Array, ys: Float64Array): number {
  const last = xs.length - 1
  if (Number.isNaN(x)) return x
  if (x > xs[last]!) return ys[last]!
  if (x < xs[0]!) return ys[0]!
  const at = lastNotAbove(x, xs)
  if (at === last || xs[at] === x) return ys[at]!
  const slope = (ys[at + 1]! - ys[at]!) / (xs[at + 1]! - xs[at]!)
  return slope * (x - xs[at]!) + ys[at]!
}

/** Index of the last element that is ≤ x; `xs` ascending, xs[0] ≤ x. */
function lastNotAbove(x: number, xs: Float64Array): number {
  let low = 0
  let high = xs.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  return low
}
