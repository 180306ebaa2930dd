import { RowError } from '../errors.ts'
import type { Cell } from '../ir/program.ts'
import { cellwise, elementwise, expectLength } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type CategoryCodeAttrs = {
  /** Known categories per column, in code order; an empty list leaves a column of numbers as it is. */
  readonly categories: readonly (readonly Cell[])[]
  /** `refuse`: an unknown category is the row's error; `missing`: it is NaN. */
  readonly unknown: 'refuse' | 'missing'
}

/** pandas' category codes as floats: position among the column's categories, NaN for None and NaN. */
export const categoryCode = cellwise<CategoryCodeAttrs>({
  name: 'category-code',
  result({ categories }, type) {
    expectLength('category-code', categories, type.width)
    return numbers(type.width)
  },
  at({ categories, unknown }) {
    const codes = categories.map((known) => new Map(known.map((cell, code) => [cell, code])))
    return (cell, column) => {
      if (cell === null || Number.isNaN(cell)) return Number.NaN
      if (codes[column]!.size === 0) return numberOf(cell, column)
      const code = codes[column]!.get(cell)
      if (code === undefined && unknown === 'refuse')
        throw new RowError('holds a category the model has never seen', column)
      return code ?? Number.NaN
    }
  },
})

function numberOf(cell: Cell, column: number): number {
  if (typeof cell === 'number' || typeof cell === 'boolean') return Number(cell)
  throw new RowError('holds text where the model reads a number', column)
}

type CategorySidesAttrs = {
  /** Column looked up, per result column. */
  readonly columns: Int32Array
  /** First word of each result column's bitset in `words`, and the end of the last. */
  readonly starts: Int32Array
  readonly words: Uint32Array
  /** A value above this is a category, its whole part. */
  readonly least: number
  /** What members answer, other categories inside the bitset, those beyond it and what is no category, and NaN. */
  readonly sides: {
    readonly member: number
    readonly other: number
    readonly beyond: number
    readonly nan: number
  }
}

/**
 * For trees that split on sets of categories of any size: one column per set, which a plain comparison with ½ then
 * reads. Sides are 0 left, 1 right, NaN for the way of missing values.
 */
export const categorySides = defineOp<CategorySidesAttrs>({
  name: 'category-sides',
  infer({ columns, starts, words }, [x]) {
    const { width } = expectNumbers('category-sides', x)
    if (starts.length !== columns.length + 1 || starts[0] !== 0 || starts.at(-1) !== words.length)
      throw new RangeError('category-sides: columns and sets differ in length')
    columns.forEach((column, i) => {
      if (!(column >= 0 && column < width))
        throw new RangeError(`category-sides: reads column ${column} of ${width}`)
      if (starts[i]! > starts[i + 1]!)
        throw new RangeError('category-sides: a set that ends before it starts')
    })
    return numbers(columns.length)
  },
  ref(attrs, [x]) {
    return Array.from(attrs.columns, (column, set) => sideOf(attrs, set, x![column] as number))
  },
  block(attrs, [x]) {
    const width = x!.width
    const { columns } = attrs
    return ([source], out, rows) => {
      for (let row = 0, at = 0; row < rows; row++)
        for (let set = 0; set < columns.length; set++, at++)
          out.numbers[at] = sideOf(attrs, set, source!.numbers[row * width + columns[set]!]!)
    }
  },
})

function sideOf({ starts, words, least, sides }: CategorySidesAttrs, set: number, value: number): number {
  if (Number.isNaN(value)) return sides.nan
  if (!(value > least)) return sides.beyond
  const category = Math.trunc(value)
  const word = starts[set]! + Math.floor(category / 32)
  if (word >= starts[set + 1]!) return sides.beyond
  return ((words[word]! >>> (category % 32)) & 1) === 1 ? sides.member : sides.other
}

/** Categories from this one on share its bit. */
export const BEYOND_BYTE = 255

/** A category, the whole part of what is above `least`, for `trees` to look up; what is no category is 255, NaN is NaN. */
export const categoryByte = elementwise<{ least: number }>({
  name: 'category-byte',
  validate() {},
  at:
    ({ least }) =>
    (value) => {
      if (Number.isNaN(value)) return value
      return value > least && value < BEYOND_BYTE ? Math.trunc(value) : BEYOND_BYTE
    },
})

/** Numbers within `limit` of zero as `to`: 0, or NaN where zero stands for missing. */
export const nearZero = elementwise<{ limit: number; to: number }>({
  name: 'near-zero',
  validate() {},
  at:
    ({ limit, to }) =>
    (value) =>
      Math.abs(value) <= limit ? to : value,
})
