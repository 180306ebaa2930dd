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

/**
 * A function of the mean of a loss per row, with the percentile interval of the bootstrap: the 2.5 % and 97.5 %
 * quantiles of the function over the resamples.
 * B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 * @param losses one per row   @param of √ for a root mean square; the mean itself by default
 * @throws RangeError when there are not as many losses as rows
 */
export function bootstrapMean(
  losses: Float64Array,
  resamples: Resamples,
  of: (mean: number) => number = (mean) => mean,
): Estimate {
  const means = meansOf(losses, resamples)
  return percentiles(of(plainMean(losses)), means.map(of))
}

/**
 * How much larger the function is for `a` than for `b`, both resampled alike: what the rows have in common cancels.
 * @throws RangeError as `bootstrapMean`
 */
export function comparePairedMeans(
  [a, b]: readonly [a: Float64Array, b: Float64Array],
  resamples: Resamples,
  of: (mean: number) => number = (mean) => mean,
): Estimate {
  assertSameRows('comparePairedMeans', a, b)
  const others = meansOf(b, resamples)
  const differences = meansOf(a, resamples).map((mean, i) => of(mean) - of(others[i]!))
  return percentiles(of(plainMean(a)) - of(plainMean(b)), differences)
}

function meansOf(losses: Float64Array, { rows, counts }: Resamples): Float64Array {
  if (losses.length !== rows) throw new RangeError(`bootstrapMean: ${losses.length} losses for ${rows} rows`)
  return Float64Array.from(counts, (drawn) => {
    let sum = 0
    for (let row = 0; row < rows; row++) sum += drawn[row]! * losses[row]!
    return sum / rows
  })
}

const plainMean = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

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
