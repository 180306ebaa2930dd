/** An estimate between the bounds of its 95 % confidence interval. */
export type Estimate = { readonly value: number; readonly low: number; readonly high: number }

/** 97.5 % quantile of the normal distribution: two-sided 95 %. */
export const Z95 = 1.959963984540054

/** value ± 1.96 · standard error, kept within the bounds that the quantity has */
export function normalInterval(
  value: number,
  standardError: number,
  [least, most]: readonly [least: number, most: number],
): Estimate {
  const margin = Z95 * standardError
  return { value, low: Math.max(least, value - margin), high: Math.min(most, value + margin) }
}

/** @throws RangeError when two columns of the same rows differ in length or there are no rows */
export function assertSameRows(name: string, a: ArrayLike<unknown>, b: ArrayLike<unknown>): void {
  if (a.length !== b.length) throw new RangeError(`${name}: ${a.length} and ${b.length} rows`)
  if (a.length === 0) throw new RangeError(`${name}: no rows`)
}
