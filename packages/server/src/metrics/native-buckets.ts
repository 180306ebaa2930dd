/**
 * Buckets of Prometheus' native histograms, of a fixed schema: bucket `i` holds what is in (2^((i−1)/8), 2^(i/8)], an error
 * of at most 4.4 %. What is not above 2^−20 (a microsecond, in seconds) is counted as zero, what is above 2^12 in the last.
 */
export const NATIVE_SCHEMA = 3
export const ZERO_THRESHOLD = 2 ** -20
const PER_OCTAVE = 2 ** NATIVE_SCHEMA
const LOWEST = -20 * PER_OCTAVE
const HIGHEST = 12 * PER_OCTAVE

export type NativeBuckets = {
  observe(value: number): void
  /** Those that hold anything, by index ascending; `zero` first. */
  filled(): readonly (readonly [bucket: number | 'zero', count: number])[]
}

export function createNativeBuckets(): NativeBuckets {
  const counts = new Float64Array(HIGHEST - LOWEST + 1)
  return {
    observe(value) {
      const index = value > ZERO_THRESHOLD ? Math.ceil(Math.log2(value) * PER_OCTAVE) - LOWEST : 0
      counts[Math.min(index, counts.length - 1)]! += 1
    },
    filled: () =>
      [...counts.entries()]
        .filter(([, count]) => count > 0)
        .map(([index, count]) => [index === 0 ? 'zero' : index + LOWEST, count]),
  }
}
