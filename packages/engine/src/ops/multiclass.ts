import { defineOp, expectNumbers, numbers } from './op.ts'

/** Index of the largest element, the last of equals. */
export const argmaxLast = defineOp<Record<string, never>>({
  name: 'argmax-last',
  infer(_, [x]) {
    if (expectNumbers('argmax-last', x).width === 0) throw new RangeError('argmax-last: nothing to compare')
    return numbers(1)
  },
  ref(_, [x]) {
    const row = x as readonly number[]
    return [row.reduce((best, value, i) => (value >= row[best]! ? i : best), 0)]
  },
  block(_, [x]) {
    const { width } = x!
    return ([from], out, rows) => {
      for (let r = 0, at = 0; r < rows; r++) {
        let best = at
        for (const end = at + width; at < end; at++) if (from!.numbers[at]! >= from!.numbers[best]!) best = at
        out.numbers[r] = best - r * width
      }
    }
  },
})

/**
 * Scores of n classes out of their n(n−1)/2 duels, in the order (0,1) (0,2) … (1,2) …: a vote per duel won, plus the
 * confidences c of all its duels as Σc / (3(|Σc| + 1)), which only tells equals apart.
 * Inputs: the winner of every duel (0 the first, 1 the second class), and how sure it is of the second.
 */
export const duelScores = defineOp<{ classes: number }>({
  name: 'duel-scores',
  infer({ classes }, [winners, confidences]) {
    const duels = (classes * (classes - 1)) / 2
    if (duels < 1) throw new RangeError(`duel-scores: ${classes} classes`)
    expectNumbers('duel-scores', winners, duels)
    expectNumbers('duel-scores', confidences, duels)
    return numbers(classes)
  },
  ref({ classes }, [winners, confidences]) {
    const votes = new Array<number>(classes).fill(0)
    const sums = new Array<number>(classes).fill(0)
    for (const [duel, [first, second]] of duelsOf(classes).entries()) {
      const confidence = confidences![duel] as number
      sums[first]! -= confidence
      sums[second]! += confidence
      if (winners![duel] === 0) votes[first]!++
      if (winners![duel] === 1) votes[second]!++
    }
    return votes.map((count, k) => count + sums[k]! / (3 * (Math.abs(sums[k]!) + 1)))
  },
})

function duelsOf(classes: number): [first: number, second: number][] {
  return Array.from({ length: classes }, (_, first) =>
    Array.from({ length: classes - first - 1 }, (_, i): [number, number] => [first, first + i + 1]),
  ).flat()
}

/**
 * Index of the nearest of some points, the first of equals. Squared distances are max(0, (|x|² − 2x·p) + |p|²), as in
 * sklearn.metrics.pairwise_distances_argmin: far away, where |x|² swallows the rest, every point is equally near.
 */
export const nearest = defineOp<{ points: Float64Array }>({
  name: 'nearest',
  infer({ points }, [x]) {
    const { width } = expectNumbers('nearest', x)
    if (points.length === 0 || points.length % width !== 0)
      throw new RangeError(`nearest: ${points.length} numbers are no points of ${width} columns`)
    return numbers(1)
  },
  ref({ points }, [x]) {
    const row = x as readonly number[]
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    const distances = Array.from({ length: points.length / row.length }, (_, p) => {
      const point = Array.from(points.subarray(p * row.length, (p + 1) * row.length))
      return Math.max(0, dot(row, row) - 2 * dot(row, point) + dot(point, point))
    })
    return [distances.reduce((best, distance, p) => (distance < distances[best]! ? p : best), 0)]
  },
})
