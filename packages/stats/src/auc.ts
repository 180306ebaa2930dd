import { assertSameRows, type Estimate, normalInterval } from './interval.ts'

/**
 * What the rows say about an area under the ROC curve, row by row: of a positive row the share of negatives that score
 * lower, of a negative row the share of positives that score higher; equal scores count half.
 */
type Placements = { readonly positives: Float64Array; readonly negatives: Float64Array }

/**
 * Area under the ROC curve with DeLong's interval: A ± 1.96 √(S₁₀/m + S₀₁/n), where S₁₀ and S₀₁ are the variances of the
 * placements of the m positive and the n negative rows.
 * E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
 * characteristic curves, Biometrics 44 (1988); placements by ranks as X. Sun, W. Xu, IEEE Signal Process. Lett. 21 (2014).
 * @param scores higher means more likely positive; no NaN   @param labels 1 positive, 0 negative
 * @throws RangeError when they differ in length, or one of the classes is missing
 */
export function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): Estimate {
  const { positives, negatives } = placementsOf(scores, labels)
  return normalInterval(mean(positives), standardError({ positives, negatives }), [0, 1])
}

/**
 * How much larger the area is for `a` than for `b`, on the same rows, with DeLong's interval of the difference, whose
 * placements are the differences of theirs.
 * @throws RangeError as `areaUnderCurve`
 */
export function compareAreas(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  labels: ArrayLike<number>,
): Estimate {
  const [one, other] = [placementsOf(a, labels), placementsOf(b, labels)]
  const positives = one.positives.map((placement, i) => placement - other.positives[i]!)
  const negatives = one.negatives.map((placement, i) => placement - other.negatives[i]!)
  return normalInterval(
    mean(one.positives) - mean(other.positives),
    standardError({ positives, negatives }),
    [-1, 1],
  )
}

function placementsOf(scores: ArrayLike<number>, labels: ArrayLike<number>): Placements {
  assertSameRows('areaUnderCurve', scores, labels)
  const positives = Float64Array.from(pick(scores, labels, 1))
  const negatives = Float64Array.from(pick(scores, labels, 0))
  if (positives.length === 0 || negatives.length === 0)
    throw new RangeError('areaUnderCurve: rows of one class only')
  const sortedPositives = positives.slice().sort()
  const sortedNegatives = negatives.slice().sort()
  return {
    positives: positives.map((score) => halfBelow(sortedNegatives, score) / negatives.length),
    negatives: negatives.map((score) => 1 - halfBelow(sortedPositives, score) / positives.length),
  }
}

function pick(scores: ArrayLike<number>, labels: ArrayLike<number>, label: number): number[] {
  const picked: number[] = []
  for (let row = 0; row < scores.length; row++) {
    if (Number.isNaN(scores[row])) throw new RangeError(`areaUnderCurve: the score of row ${row} is NaN`)
    if (labels[row] === label) picked.push(scores[row]!)
  }
  return picked
}

/** How many of the sorted values are below `score`, equal ones counted half. */
function halfBelow(sorted: Float64Array, score: number): number {
  return (countBelow(sorted, (value) => value < score) + countBelow(sorted, (value) => value <= score)) / 2
}

function countBelow(sorted: Float64Array, isBelow: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBelow(sorted[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

const standardError = ({ positives, negatives }: Placements): number =>
  Math.sqrt(variance(positives) / positives.length + variance(negatives) / negatives.length)

/** Σ (xᵢ − x̄)² / (n − 1); 0 for a single row */
function variance(values: Float64Array): number {
  const centre = mean(values)
  const sum = values.reduce((total, value) => total + (value - centre) ** 2, 0)
  return values.length > 1 ? sum / (values.length - 1) : 0
}
