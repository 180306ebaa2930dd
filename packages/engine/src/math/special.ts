const EULER_SERIES = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12]
/** Above this the asymptotic series is exact to the last place or two. */
const SERIES_FROM = 10

/** Digamma function ψ(x) = Γ′(x) / Γ(x) of positive numbers: ψ(x) = ψ(x + 1) − 1/x up to 10, then its asymptotic series. */
export function digamma(x: number): number {
  if (!(x > 0)) return Number.NaN
  let shift = 0
  let y = x
  for (; y < SERIES_FROM; y++) shift += 1 / y
  const inverse = 1 / (y * y)
  const series = EULER_SERIES.reduceRight((sum, coefficient) => (sum + coefficient) * inverse, 0)
  return Math.log(y) - 0.5 / y - series - shift
}

/** Continued fraction beyond this, Taylor series below. */
const FRACTION_FROM = 2.5
const FRACTION_TERMS = 60

/**
 * Error function 2/√π ∫₀ˣ e^(−t²) dt, to a few units in the last place: Abramowitz & Stegun 7.1.6 near zero,
 * the continued fraction 7.1.14 of its complement beyond.
 */
export function erf(x: number): number {
  const size = Math.abs(x)
  if (size < FRACTION_FROM) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  if (size > 6) return Math.sign(x)
  let fraction = 0
  for (let n = FRACTION_TERMS; n >= 1; n--) fraction = n / 2 / (size + fraction)
  const complement = Math.exp(-x * x) / (Math.sqrt(Math.PI) * (size + fraction))
  return Math.sign(x) * (1 - complement)
}
