export type Point = { readonly hours: number; readonly value: number }
/** Per hour, in the unit of the values. */
export type Slope = {
  readonly perHour: number
  readonly standardError: number
  readonly mean: number
  readonly verdict: 'grows' | 'steady' | 'falls'
}

/** Less than this share of the mean in an hour is nothing that anybody would act on. */
const WORTH_TELLING = 0.01
/** Neighbouring samples that are as good as one would make the error endless. */
const MOST_CORRELATED = 0.95

/**
 * Least squares through points in the order of their time. Neighbouring samples are alike, so the standard error is that
 * of independent ones times √((1 + r) / (1 − r)), r the correlation of neighbouring residuals. It grows, or falls, when it
 * does so by more than two standard errors and by more than 1 % of the mean an hour.
 * @throws RangeError for less than three points, or points of one moment
 */
export function slopeOf(points: readonly Point[]): Slope {
  const count = points.length
  const mean = meanOf(points.map(({ value }) => value))
  const meanHours = meanOf(points.map(({ hours }) => hours))
  const spread = sumOf(points.map(({ hours }) => (hours - meanHours) ** 2))
  if (count < 3 || spread === 0) throw new RangeError(`slopeOf: ${count} points do not make a slope`)
  const perHour = sumOf(points.map(({ hours, value }) => (hours - meanHours) * (value - mean))) / spread
  const residuals = points.map(({ hours, value }) => value - mean - perHour * (hours - meanHours))
  const squares = sumOf(residuals.map((residual) => residual ** 2))
  const neighbours = sumOf(residuals.slice(1).map((residual, i) => residual * residuals[i]!))
  const alike = squares === 0 ? 0 : Math.min(MOST_CORRELATED, Math.max(0, neighbours / squares))
  const standardError = Math.sqrt((squares / (count - 2) / spread) * ((1 + alike) / (1 - alike)))
  const beyond = Math.max(2 * standardError, WORTH_TELLING * Math.abs(mean))
  const verdict = perHour > beyond ? 'grows' : perHour < -beyond ? 'falls' : 'steady'
  return { perHour, standardError, mean, verdict }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
const meanOf = (values: readonly number[]): number => sumOf(values) / values.length
