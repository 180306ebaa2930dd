import { defineOp, expectNumbers, numbers } from './op.ts'
import { rowsIn, rowwise } from './rowwise.ts'

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
  block({ classes }) {
    const duels = duelsOf(classes)
    const sums = new Float64Array(classes)
    return ([winners, confidences], out, rows) => {
      out.numbers.fill(0, 0, rows * classes)
      for (let r = 0, at = 0; r < rows; r++) {
        sums.fill(0)
        for (let duel = 0; duel < duels.length; duel++, at++) {
          const pair = duels[duel]!
          sums[pair[0]]! -= confidences!.numbers[at]!
          sums[pair[1]]! += confidences!.numbers[at]!
          const winner = pair[winners!.numbers[at]! as 0 | 1]
          if (winner !== undefined) out.numbers[r * classes + winner]!++
        }
        for (let k = 0; k < classes; k++)
          out.numbers[r * classes + k]! += sums[k]! / (3 * (Math.abs(sums[k]!) + 1))
      }
    }
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
export const nearest = rowwise<{ points: Float64Array }>({
  name: 'nearest',
  infer({ points }, width) {
    rowsIn('nearest', points, width)
    return 1
  },
  at({ points }, width) {
    const dot = (a: Float64Array, from: number, b: Float64Array, at: number): number => {
      let sum = 0
      for (let i = 0; i < width; i++) sum += a[from + i]! * b[at + i]!
      return sum
    }
    const lengths = Float64Array.from({ length: points.length / width }, (_, p) =>
      dot(points, p * width, points, p * width),
    )
    return (x, from, y, to) => {
      const own = dot(x, from, x, from)
      let least = Number.POSITIVE_INFINITY
      y[to] = 0
      for (let p = 0; p < lengths.length; p++) {
        const distance = Math.max(0, own - 2 * dot(x, from, points, p * width) + lengths[p]!)
        if (!(distance < least)) continue
        least = distance
        y[to] = p
      }
    }
  },
})
