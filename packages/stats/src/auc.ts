import { assertSameRows, type Estimate, normalInterval } from './interval.ts'

/**
 * What every row says about the area under the ROC curve: of a positive row the share of negatives that score lower, of a
 * negative row the share of positives that score higher; equal scores count half. The mean over either class is the area.
 * E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more correlated receiver operating
 * characteristic curves, Biometrics 44 (1988).
 * @param scores higher means more likely positive; no NaN   @param labels 1 positive, 0 negative
 * @throws RangeError when they differ in length, or one of the classes is missing
 */
export function placeScores(scores: ArrayLike<number>, labels: ArrayLike<number>): Float64Array {
  assertSameRows('placeScores', scores, labels)
  const positives = sortedScores(scores, labels, 1)
  const negatives = sortedScores(scores, labels, 0)
  if (positives.length === 0 || negatives.length === 0)
    throw new RangeError('placeScores: rows of one class only')
  return Float64Array.from({ length: scores.length }, (_, row) =>
    labels[row] === 1
      ? halfBelow(negatives, scores[row]!) / negatives.length
      : 1 - halfBelow(positives, scores[row]!) / positives.length,
  )
}

/**
 * Area under the ROC curve with DeLong's interval: A ± 1.96 √(S₁₀/m + S₀₁/n), where S₁₀ and S₀₁ are the variances of the
 * placements of the m positive and the n negative rows.
 */
export function areaUnderCurve(placements: Float64Array, labels: ArrayLike<number>): Estimate {
  return meanOfPlacements(placements, labels, [0, 1])
}

/**
 * How much larger the area is for `a` than for `b`, both placements of the same rows, with DeLong's interval of the
 * difference, whose placements are the differences of theirs.
 */
export function compareAreas(a: Float64Array, b: Float64Array, labels: ArrayLike<number>): Estimate {
  assertSameRows('compareAreas', a, b)
  const differences = a.map((placement, row) => placement - b[row]!)
  return meanOfPlacements(differences, labels, [-1, 1])
}

function meanOfPlacements(
  placements: Float64Array,
  labels: ArrayLike<number>,
  bounds: readonly [number, number],
): Estimate {
  assertSameRows('areaUnderCurve', placements, labels)
  const positives = placements.filter((_, row) => labels[row] === 1)
  const negatives = placements.filter((_, row) => labels[row] !== 1)
  const error = Math.sqrt(variance(positives) / positives.length + variance(negatives) / negatives.length)
  return normalInterval(mean(positives), error, bounds)
}

function sortedScores(scores: ArrayLike<number>, labels: ArrayLike<number>, label: number): Float64Array {
  const picked: number[] = []
  for (let row = 0; row < scores.length; row++) {
    if (Number.isNaN(scores[row])) throw new RangeError(`placeScores: the score of row ${row} is NaN`)
    if (labels[row] === label) picked.push(scores[row]!)
  }
  return Float64Array.from(picked).sort()
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

/** Σ (xᵢ − x̄)² / (n − 1); 0 for a single row */
function variance(values: Float64Array): number {
  const centre = mean(values)
  const sum = values.reduce((total, value) => total + (value - centre) ** 2, 0)
  return values.length > 1 ? sum / (values.length - 1) : 0
}
