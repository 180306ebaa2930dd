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

/**
 * The low byte of the integer part in the columns (1) that hold categories: what a C cast to an unsigned character makes of
 * a number on x86-64. Beyond 32 bits it is 0.
 */
export const lowByte = elementwise<{ columns: Uint8Array }>({
  name: 'low-byte',
  validate: ({ columns }, type) => expectLength('low-byte', columns, type.width),
  at:
    ({ columns }) =>
    (value, column) =>
      columns[column] === 0 || Number.isNaN(value) || isByte(value) ? value : lowByteOf(value),
})

const isByte = (value: number): boolean => value >= 0 && value < 256

const lowByteOf = (value: number): number =>
  Math.abs(Math.trunc(value)) < 2 ** 31 ? Math.trunc(value) & 255 : 0
