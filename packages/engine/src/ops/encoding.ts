import { RowError } from '../errors.ts'
import type { Cell, ValueType } from '../ir/program.ts'
import { cellwise, expectLength } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type CategoryIndexAttrs = {
  /** Known categories per column, in index order. NaN is not among them: see `nan`. */
  readonly categories: readonly (Float64Array | readonly Cell[])[]
  /** Index of the NaN category per column, −1 where NaN is unknown. */
  readonly nan: Int32Array
  /** Columns (1) in which an unknown category is the row's error. */
  readonly refuse: Uint8Array
  /** Columns (1) that were numeric when fitted: infinity is the row's error. */
  readonly finite: Uint8Array
}

/** A category as scikit-learn compares it: 1 is 1.0 is True; None is not NaN. */
const keyOf = (cell: Cell): Cell => (typeof cell === 'boolean' ? Number(cell) : cell)

/** Position of every cell among its column's categories, −1 where it is unknown. @throws RowError where that is refused */
function categoryRule({
  categories,
  nan,
  refuse,
  finite,
}: CategoryIndexAttrs): (cell: Cell, c: number) => number {
  const positions = categories.map((known, column) => {
    const position = new Map<Cell, number>()
    known.forEach((cell, i) => {
      position.set(keyOf(cell), i)
    })
    if (nan[column]! >= 0) position.set(Number.NaN, nan[column]!)
    return position
  })
  return (cell, column) => {
    const position = positions[column]!.get(keyOf(cell))
    if (position !== undefined) return position
    if (finite[column] === 1 && Math.abs(cell as number) === Number.POSITIVE_INFINITY)
      throw new RowError('contains infinity or a value too large for float64', column)
    if (refuse[column] === 1) throw new RowError('holds a category the model has never seen', column)
    return -1
  }
}

/** Index of every cell among the known categories of its column; −1: unknown. */
export const categoryIndex = cellwise<CategoryIndexAttrs>({
  name: 'category-index',
  result({ categories, nan, refuse, finite }, type): ValueType {
    for (const list of [categories, nan, refuse, finite]) expectLength('category-index', list, type.width)
    const text = categories.some((known) => Array.from<Cell>(known).some(isText))
    if (text && type.kind === 'number') throw new RangeError('category-index: text categories of a number')
    return numbers(type.width)
  },
  at: categoryRule,
})

const isText = (cell: Cell): boolean => typeof cell === 'string'

/** Columns of indices as columns of 0 and 1. */
export const oneHot = defineOp<{
  /** Per column: output column of each index, the unknown one first; −1: none. */
  slots: readonly Int32Array[]
  width: number
  single: boolean
}>({
  name: 'one-hot',
  infer({ slots, width, single }, [x]): ValueType {
    expectNumbers('one-hot', x, slots.length)
    for (const slot of slots.flatMap((column) => Array.from(column)))
      if (slot < -1 || slot >= width) throw new RangeError(`one-hot: no output column ${slot}`)
    return numbers(width, single ? 'f32' : 'f64')
  },
  ref({ slots, width }, [x]) {
    const row = new Array<number>(width).fill(0)
    slots.forEach((column, c) => {
      const slot = column[(x![c] as number) + 1] ?? -1
      if (slot >= 0) row[slot] = 1
    })
    return row
  },
  block({ slots, width }) {
    return ([from], out, rows) => {
      out.numbers.fill(0, 0, rows * width)
      for (let r = 0, i = 0; r < rows; r++)
        for (let c = 0; c < slots.length; c++, i++) {
          const slot = slots[c]![from!.numbers[i]! + 1] ?? -1
          if (slot >= 0) out.numbers[r * width + slot] = 1
        }
    }
  },
})

/** output[i] = tables[i][index of columns[i]], the entry of the unknown index (−1) first. */
export const lookUp = defineOp<{ tables: readonly Float64Array[]; columns: Int32Array }>({
  name: 'look-up',
  infer({ tables, columns }, [x]): ValueType {
    const { width } = expectNumbers('look-up', x)
    if (tables.length !== columns.length) throw new RangeError('look-up: tables and columns differ in length')
    for (const column of columns)
      if (column < 0 || column >= width) throw new RangeError(`look-up: no column ${column}`)
    return numbers(tables.length)
  },
  ref({ tables, columns }, [x]) {
    return tables.map((table, i) => entry(table, x![columns[i]!] as number))
  },
  block({ tables, columns }, [x]) {
    const width = x!.width
    return ([from], out, rows) => {
      for (let r = 0, o = 0; r < rows; r++)
        for (let i = 0; i < tables.length; i++, o++)
          out.numbers[o] = entry(tables[i]!, from!.numbers[r * width + columns[i]!]!)
    }
  },
})

const entry = (table: Float64Array, index: number): number => table[index + 1] ?? Number.NaN
