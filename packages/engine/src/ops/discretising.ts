import { elementwise, expectLength } from './elementwise.ts'

/**
 * Number of inner edges ≤ the value: numpy.searchsorted(edges, x, side='right'). Edges ascend.
 * `nudged`: values are raised by 1e-8 + 1e-5·|x| before, as scikit-learn did up to 1.0.
 */
export const bin = elementwise<{ edges: readonly Float64Array[]; nudged: boolean }>({
  name: 'bin',
  validate: ({ edges }, type) => expectLength('bin', edges, type.width),
  at:
    ({ edges, nudged }) =>
    (value, column) =>
      countNotAbove(nudged ? value + (1e-8 + 1e-5 * Math.abs(value)) : value, edges[column]!),
})

function countNotAbove(value: number, edges: Float64Array): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (edges[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
