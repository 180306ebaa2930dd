import { elementwise, expectLength } from './elementwise.ts'

/** Number of inner edges ≤ the value: numpy.searchsorted(edges, x, side='right'). Edges ascend. */
export const bin = elementwise<{ edges: readonly Float64Array[] }>({
  name: 'bin',
  validate: ({ edges }, type) => expectLength('bin', edges, type.width),
  at:
    ({ edges }) =>
    (value, column) =>
      countNotAbove(value, edges[column]!),
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
