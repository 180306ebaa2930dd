import { RowError } from '../errors.ts'
import type { Attr, Cell, ValueType } from '../ir/program.ts'
import { cellwise, elementwise, expectLength } from './elementwise.ts'
import { numbers } from './op.ts'

/** What counts as missing: a float NaN, Python's None, or one value. */
export type Marker = { readonly is: 'nan' | 'none' | 'value'; readonly value: Attr & Cell }

function missingRule({ is, value }: Marker): (cell: Cell) => boolean {
  if (is === 'nan') return (cell) => Number.isNaN(cell)
  if (is === 'none') return (cell) => cell === null
  const wanted = typeof value === 'boolean' ? Number(value) : value
  return (cell) => cell === wanted || (typeof cell === 'boolean' && Number(cell) === wanted)
}

function expectMarker({ is }: Marker): void {
  if (!['nan', 'none', 'value'].includes(is)) throw new RangeError(`missing values: no marker ${is}`)
}

/** Missing values replaced by their column's fill. */
export const impute = cellwise<{ marker: Marker; fill: Float64Array | readonly Cell[] }>({
  name: 'impute',
  result({ marker, fill }, type): ValueType {
    expectMarker(marker)
    expectLength('impute', fill, type.width)
    if (type.kind === 'number' && !(fill instanceof Float64Array))
      throw new RangeError('impute: text in a column of numbers')
    return type.kind === 'number' ? numbers(type.width) : type
  },
  at({ marker, fill }) {
    const isMissing = missingRule(marker)
    return (cell, column) => (isMissing(cell) ? fill[column]! : cell)
  },
})

/** 1 where a value is missing, else 0. */
export const missing = cellwise<{ marker: Marker }>({
  name: 'missing',
  result({ marker }, type) {
    expectMarker(marker)
    return numbers(type.width)
  },
  at({ marker }) {
    const isMissing = missingRule(marker)
    return (cell) => (isMissing(cell) ? 1 : 0)
  },
})

/** Passes cells through. @throws RowError on NaN in the given columns (1): missing, but not as the model knows it */
export const checkCells = cellwise<{ refuse: Uint8Array; message: string }>({
  name: 'check-cells',
  result({ refuse }, type) {
    expectLength('check-cells', refuse, type.width)
    return type
  },
  at:
    ({ refuse, message }) =>
    (cell, column) => {
      if (refuse[column] === 1 && Number.isNaN(cell)) throw new RowError(message, column)
      return cell
    },
})

/** Passes a mask through. @throws RowError where a column is missing (1) that had no missing values in training */
export const refuseMissing = elementwise<{ allowed: Uint8Array }>({
  name: 'refuse-missing',
  validate: ({ allowed }, type) => expectLength('refuse-missing', allowed, type.width),
  at:
    ({ allowed }) =>
    (value, column) => {
      if (value === 1 && allowed[column] !== 1)
        throw new RowError('is missing, which it never was in training', column)
      return value
    },
})
