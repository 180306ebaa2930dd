import { assertSameRows, type Estimate } from './interval.ts'

/** How often the rows of a sample occur in it again when as many are drawn with replacement, once per replicate. */
export type Resamples = { readonly rows: number; readonly counts: readonly Uint8Array[] }

/** Replicates: the bounds of an interval are then the 25th smallest and largest estimates. */
const REPLICATES = 1000

/** The same draws for the same number of rows and seed. @throws RangeError without rows */
export function drawResamples(rows: number, { seed = 1, replicates = REPLICATES } = {}): Resamples {
  if (!(rows > 0)) throw new RangeError('drawResamples: no rows')
  const next = generator(seed)
  const counts = Array.from({ length: replicates }, () => {
    const drawn = new Uint8Array(rows)
    for (let i = 0; i < rows; i++) drawn[Math.floor(next() * rows)]!++
    return drawn
  })
  return { rows, counts }
}

/** The mean of a column over its rows, and over the rows of every resample. */
export type ResampledMean = { readonly mean: number; readonly resampled: Float64Array }

/** @param losses one per row   @throws RangeError when there are not as many losses as rows */
export function resampleMean(losses: Float64Array, { rows, counts }: Resamples): ResampledMean {
  if (losses.length !== rows) throw new RangeError(`resampleMean: ${losses.length} losses for ${rows} rows`)
  const resampled = Float64Array.from(counts, (drawn) => {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += drawn[row]! * losses[row]!
    return sum / rows
  })
  return { mean: losses.reduce((sum, value) => sum + value, 0) / rows, resampled }
}

/**
 * A function of a mean with the percentile interval of the bootstrap: the 2.5 % and 97.5 % quantiles of the function over
 * the resamples.
 * B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 * @param of √ for a root mean square; the mean itself by default
 */
export function bootstrapMean(
  { mean, resampled }: ResampledMean,
  of: (mean: number) => number = (value) => value,
): Estimate {
  return percentiles(of(mean), resampled.map(of))
}

/**
 * How much larger the function is for `a` than for `b`, both resampled alike: what the rows have in common cancels.
 * @throws RangeError when they come of different numbers of resamples
 */
export function comparePairedMeans(
  a: ResampledMean,
  b: ResampledMean,
  of: (mean: number) => number = (value) => value,
): Estimate {
  assertSameRows('comparePairedMeans', a.resampled, b.resampled)
  const differences = a.resampled.map((mean, i) => of(mean) - of(b.resampled[i]!))
  return percentiles(of(a.mean) - of(b.mean), differences)
}

/** The bounds lie at the ranks ⌈0.025 B⌉ and ⌈0.975 B⌉. */
function percentiles(value: number, estimates: Float64Array): Estimate {
  const sorted = estimates.sort()
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return { value, low: at(0.025), high: at(0.975) }
}

/** mulberry32, in [0, 1). */
function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
