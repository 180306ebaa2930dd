import type { Answer, Cell } from '../ir/program.ts'
import type { Contract } from './contract.ts'

/** An answer beside the values somebody expected. */
export type Comparison = {
  readonly rows: number
  /** Rows all of whose values are within the contract. */
  readonly equal: number
  /** Largest |difference| of two numbers; 0 when none differ. */
  readonly maxDifference: number
  /** The first values that are not within the contract, five at most. */
  readonly firstDifferences: readonly Difference[]
}

export type Difference = {
  readonly row: number
  readonly part: number
  readonly column: number
  readonly expected: Cell
  readonly actual: Cell
}

const SHOWN = 5

/**
 * @param expected per part of the answer, its values row-major
 * @throws RangeError when the numbers of values differ
 */
export function compareWithExpected(
  answer: Answer,
  expected: readonly (readonly Cell[])[],
  contract: Contract,
): Comparison {
  const rows = answer.parts[0]?.shape[0] ?? 0
  const single = answer.dtype.includes('float32')
  const wrong = new Set<number>()
  const firstDifferences: Difference[] = []
  let maxDifference = 0
  answer.parts.forEach(({ data, shape }, part) => {
    const width = shape[1] ?? 1
    const values = expected[part] ?? []
    if (values.length !== data.length)
      throw new RangeError(`compareWithExpected: ${values.length} values for ${data.length} answers`)
    const scale = values.reduce<number>((most, value) => Math.max(most, magnitude(value)), 1)
    values.forEach((value, i) => {
      const actual = data[i]!
      maxDifference = Math.max(maxDifference, distance(actual, value))
      if (isWithin(contract, [actual, value], { single, scale })) return
      const [row, column] = [Math.floor(i / width), i % width]
      wrong.add(row)
      if (firstDifferences.length < SHOWN)
        firstDifferences.push({ row, part, column, expected: value, actual })
    })
  })
  return { rows, equal: rows - wrong.size, maxDifference, firstDifferences }
}

const magnitude = (value: Cell): number => {
  const size = Math.abs(Number(value))
  return typeof value === 'number' && Number.isFinite(size) ? size : 0
}

const distance = (a: Cell, b: Cell): number =>
  typeof a === 'number' && typeof b === 'number' && Number.isFinite(a - b) ? Math.abs(a - b) : 0

/** `single`: the library answers float32. `scale`: largest magnitude expected, at least 1. */
type Scale = { readonly single: boolean; readonly scale: number }

/** Labels must be the same value, 1 being True; numbers within the contract, NaN only where NaN is expected. */
function isWithin(contract: Contract, [a, b]: readonly [Cell, Cell], { single, scale }: Scale): boolean {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (typeof x !== 'number' || typeof y !== 'number') return x === y
  if (x === y || (Number.isNaN(x) && Number.isNaN(y))) return true
  const gap = Math.abs(x - y)
  if (contract === 'exp1e-13') return Math.abs(Math.exp(x) - Math.exp(y)) <= 1e-13
  if (contract === 'exp1e-5') return Math.abs(Math.exp(x) - Math.exp(y)) <= 1e-5
  if (contract === 'bit-equal' || !Number.isFinite(gap)) return false
  if (contract === 'ulp4') return gap <= 4 * unit(y, single)
  if (contract === 'abs1e-15') return gap <= 1e-15 || gap <= 8 * unit(y, single)
  if (contract === 'rel1e-5') return gap <= 1e-6 || gap <= 1e-5 * Math.abs(y)
  return gap <= 1e-13 * scale || gap <= 1e-12 * Math.abs(y)
}

const numberOf = (cell: Cell): Cell => (typeof cell === 'boolean' ? Number(cell) : cell)

/** Distance from |x| to the next number of its precision. */
function unit(x: number, single: boolean): number {
  const exponent = Math.floor(Math.log2(Math.abs(x)))
  return single ? 2 ** Math.max(exponent - 23, -149) : 2 ** Math.max(exponent - 52, -1074)
}
