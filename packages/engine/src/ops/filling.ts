import { defineOp, expectNumbers, numbers } from './op.ts'
import { type RowKernel, rowsIn, rowwise } from './rowwise.ts'

/** The second input where the first is 1, else the third; all of one width. */
export const choose = defineOp<Record<string, never>>({
  name: 'choose',
  infer(_, inputs) {
    const { width } = expectNumbers('choose', inputs[0])
    if (inputs.length !== 3) throw new RangeError(`choose: expects 3 inputs, got ${inputs.length}`)
    for (const input of inputs) expectNumbers('choose', input, width)
    return numbers(width)
  },
  ref: (_, [mask, yes, no]) => mask!.map((chosen, i) => (chosen === 1 ? yes![i]! : no![i]!)),
  block(_, [x]) {
    const { width } = x!
    return ([mask, yes, no], out, rows) => {
      for (let i = 0; i < rows * width; i++)
        out.numbers[i] = mask!.numbers[i] === 1 ? yes!.numbers[i]! : no!.numbers[i]!
    }
  },
})

type DonorAttrs = {
  /** rows × columns of the training rows, NaN where missing. */
  readonly donors: Float64Array
  /** What a column gets when no donor shares a column with the row. */
  readonly means: Float64Array
  readonly count: number
  /** Donors weigh 1 / distance, else all the same. */
  readonly weighted: boolean
}

/**
 * Every NaN replaced by the mean of the `count` nearest training rows that have that column. The distance is
 * √(columns / shared · Σ (xᵢ − yᵢ)²) over the columns that both have; a column that nobody has stays NaN.
 */
export const nearestDonors = rowwise<DonorAttrs>({
  name: 'nearest-donors',
  infer({ donors, means, count }, width) {
    rowsIn('nearest-donors', donors, width)
    if (means.length !== width || count < 1) throw new RangeError('nearest-donors: attributes do not fit')
    return width
  },
  at({ donors, means, count, weighted }, width): RowKernel {
    const rows = donors.length / width
    const far = new Float64Array(rows)
    const nearest = new Int32Array(Math.min(count, rows))
    return (x, from, y, to) => {
      let complete = true
      for (let c = 0; c < width; c++) {
        y[to + c] = x[from + c]!
        if (Number.isNaN(x[from + c]!)) complete = false
      }
      if (complete) return
      for (let row = 0; row < rows; row++)
        far[row] = sharedDistance(x, from, donors.subarray(row * width, (row + 1) * width))
      for (let c = 0; c < width; c++) {
        if (!Number.isNaN(x[from + c]!)) continue
        const column = { donors, width, column: c }
        const found = findNearest(far, column, nearest)
        const value = meanOf(far, column, nearest.subarray(0, found), weighted)
        y[to + c] = found === 0 ? means[c]! : value
      }
    }
  },
})

/** NaN when no column is shared. */
function sharedDistance(x: Float64Array, from: number, donor: Float64Array): number {
  let sum = 0
  let shared = 0
  for (let i = 0; i < donor.length; i++) {
    const gap = x[from + i]! - donor[i]!
    if (Number.isNaN(gap)) continue
    sum += gap * gap
    shared++
  }
  return shared === 0 ? Number.NaN : Math.sqrt((sum / shared) * donor.length)
}

type DonorColumn = { readonly donors: Float64Array; readonly width: number; readonly column: number }

const donated = ({ donors, width, column }: DonorColumn, row: number): number => donors[row * width + column]!

/** Fills `nearest` with the nearest rows that have the column, the first of equals first; answers how many there are. */
function findNearest(far: Float64Array, column: DonorColumn, nearest: Int32Array): number {
  let found = 0
  for (let row = 0; row < far.length; row++) {
    const distance = far[row]!
    if (Number.isNaN(distance) || Number.isNaN(donated(column, row))) continue
    if (found === nearest.length && !(distance < far[nearest[found - 1]!]!)) continue
    let at = found < nearest.length ? found++ : found - 1
    for (; at > 0 && far[nearest[at - 1]!]! > distance; at--) nearest[at] = nearest[at - 1]!
    nearest[at] = row
  }
  return found
}

function meanOf(far: Float64Array, column: DonorColumn, rows: Int32Array, weighted: boolean): number {
  const exact = weighted && rows.length > 0 && far[rows[0]!] === 0
  let sum = 0
  let total = 0
  for (const row of rows) {
    const distance = far[row]!
    const inverse = exact ? Number(distance === 0) : 1 / distance
    const weight = weighted ? inverse : 1
    sum += weight * donated(column, row)
    total += weight
  }
  return sum / total
}
