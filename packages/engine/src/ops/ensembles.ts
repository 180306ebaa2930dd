import { log } from '../math/glibc.ts'
import { pairwiseSum } from '../math/pairwise-sum.ts'
import { elementwise, expectLength } from './elementwise.ts'
import { rowsIn, rowwise } from './rowwise.ts'

/** −2^(−depth / expected), the anomaly score of a summed depth; −½ where no depth is expected. */
export const isolationScore = elementwise<{ expected: number }>({
  name: 'isolation-score',
  validate() {},
  at:
    ({ expected }) =>
    (depth) =>
      expected === 0 ? -0.5 : -(2 ** -(depth / expected)),
})

/** Row of a table by its index: table[index · width …] */
export const pickRow = rowwise<{ table: Float64Array; width: number }>({
  name: 'pick-row',
  infer({ table, width }, columns) {
    rowsIn('pick-row', table, width)
    if (columns !== 1) throw new RangeError(`pick-row: ${columns} columns are not one index`)
    return width
  },
  at:
    ({ table, width }) =>
    (x, from, y, to) => {
      const start = x[from]! * width
      for (let i = 0; i < width; i++) y[to + i] = table[start + i] ?? Number.NaN
    },
})

/** numpy's float64 epsilon: no probability is smaller before its logarithm is taken. */
const LEAST = 2 ** -52

/** (K − 1) (ln pᵢ − mean ln p) of K probabilities: what a member adds to AdaBoost's scores (SAMME.R). */
export const centredLogShares = rowwise<Record<string, never>>({
  name: 'centred-log-shares',
  infer: (_, width) => width,
  at(_, width) {
    const logs = new Float64Array(width)
    return (x, from, y, to) => {
      for (let i = 0; i < width; i++) logs[i] = log(Math.max(x[from + i]!, LEAST))
      const sum = pairwiseSum(logs, 0, width)
      for (let i = 0; i < width; i++) y[to + i] = (width - 1) * (logs[i]! - (1 / width) * sum)
    }
  },
})

/** The smallest value at which the weights of all that are no larger reach half of the total. */
export const weightedMedian = rowwise<{ weights: Float64Array }>({
  name: 'weighted-median',
  infer({ weights }, width) {
    expectLength('weighted-median', weights, width)
    return 1
  },
  at({ weights }, width) {
    const order = new Uint32Array(width)
    return (x, from, y, to) => {
      for (let i = 0; i < width; i++) {
        let at = i
        for (; at > 0 && x[from + order[at - 1]!]! > x[from + i]!; at--) order[at] = order[at - 1]!
        order[at] = i
      }
      let total = 0
      for (let i = 0; i < width; i++) total += weights[order[i]!]!
      let sum = 0
      let at = 0
      for (; at < width - 1; at++) {
        sum += weights[order[at]!]!
        if (sum >= 0.5 * total) break
      }
      y[to] = x[from + order[at]!]!
    }
  },
})
