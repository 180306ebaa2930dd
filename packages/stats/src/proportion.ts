import { assertSameRows, type Estimate, normalInterval, Z95 } from './interval.ts'

/**
 * Share of successes with Wilson's score interval:
 *   (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
 * E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
 * @throws RangeError unless 0 ≤ successes ≤ trials and there are trials
 */
export function wilsonInterval(successes: number, trials: number): Estimate {
  if (!(trials > 0 && successes >= 0 && successes <= trials))
    throw new RangeError(`wilsonInterval: ${successes} of ${trials}`)
  const share = successes / trials
  const z2 = (Z95 * Z95) / trials
  const centre = (share + z2 / 2) / (1 + z2)
  const margin = (Z95 / (1 + z2)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials))
  return { value: share, low: Math.max(0, centre - margin), high: Math.min(1, centre + margin) }
}

/**
 * How much larger the share of successes is in `a` than in `b`, on the same rows: (n₁₀ − n₀₁) / n with n₁₀ rows where
 * only `a` succeeds. The interval is Wald's after half a row was added to each of the four counts.
 * A. Agresti, Y. Min, Simple improved confidence intervals for comparing matched proportions, Stat. Med. 24 (2005).
 * @param a 1 where it succeeds, else 0   @param b the same for the same rows
 * @throws RangeError when they differ in length or are empty
 */
export function comparePairedProportions(a: ArrayLike<number>, b: ArrayLike<number>): Estimate {
  assertSameRows('comparePairedProportions', a, b)
  const rows = a.length
  let onlyA = 0
  let onlyB = 0
  for (let row = 0; row < rows; row++)
    if (a[row] !== b[row]) {
      if (a[row] === 1) onlyA++
      else onlyB++
    }
  const total = rows + 2
  const centre = (onlyA - onlyB) / total
  const variance = (onlyA + onlyB + 1) / total - centre * centre
  const { low, high } = normalInterval(centre, Math.sqrt(variance / total), [-1, 1])
  return { value: (onlyA - onlyB) / rows, low, high }
}
