import { type FieldError, MillwrightError } from '@millwright/contracts/errors'
import { describe, isObject } from '@millwright/inference/convert'
import { type Fault, pointerTo, type RowReader, type Slab } from '@millwright/inference/validate'

/** The rows of one request, however they were written. */
export interface RowSource {
  readonly count: number
  /** One row was asked for, not a list of one. */
  readonly single: boolean
  read(reader: RowReader, index: number, slab: Slab, at: number): readonly Fault[] | undefined
  pointer(index: number, field: string): string
}

/** One row, which stands at `base` of the request. */
export class SingleRow implements RowSource {
  readonly count = 1
  readonly single = true
  readonly #row: unknown
  readonly #base: readonly string[]

  constructor(row: unknown, base: readonly string[]) {
    this.#row = row
    this.#base = base
  }

  read(reader: RowReader, _index: number, slab: Slab, at: number): readonly Fault[] | undefined {
    return reader.readRow(this.#row, slab, at)
  }

  pointer(_index: number, field: string): string {
    return pointerTo(...this.#base, ...(field === '' ? [] : [field]))
  }
}

export const listOfRows = (rows: readonly unknown[]): RowSource => ({
  count: rows.length,
  single: false,
  read: (reader, index, slab, at) => reader.readRow(rows[index], slab, at),
  pointer: (index, field) => pointerTo('rows', index, ...(field === '' ? [] : [field])),
})

/** @throws MillwrightError VALIDATION_FAILED when columns are missing, unknown, not lists or of different lengths */
export function tableOfColumns(columns: unknown, names: readonly string[], ignored?: string): RowSource {
  if (!isObject(columns))
    throw invalidFields([
      {
        pointer: '/columns',
        code: 'wrong_type',
        message: `columns: expected an object with one list per column, got ${describe(columns)}`,
      },
    ])
  const length = names.map((name) => own(columns, name)).find(Array.isArray)?.length ?? 0
  const errors = [
    ...names.flatMap((name) => columnErrors(name, own(columns, name), length)),
    ...Object.keys(columns)
      .filter((name) => !names.includes(name) && name !== ignored)
      .map((name) => columnError(name, 'unknown_field', 'the model has no such column')),
  ]
  if (errors.length > 0) throw invalidFields(errors)
  const table = names.map((name) => columns[name] as unknown[])
  return {
    count: length,
    single: false,
    read: (reader, index, slab, at) => reader.readCells((column) => table[column]![index], slab, at),
    pointer: (index, field) => pointerTo('columns', field, index),
  }
}

const own = (object: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

function columnErrors(name: string, value: unknown, length: number): FieldError[] {
  if (value === undefined) return [columnError(name, 'missing', 'expected a list of values, got nothing')]
  if (!Array.isArray(value))
    return [columnError(name, 'wrong_type', `expected a list of values, got ${describe(value)}`)]
  if (value.length !== length)
    return [
      columnError(
        name,
        'wrong_length',
        `expected ${length} values as in the first column, got ${value.length}`,
      ),
    ]
  return []
}

const columnError = (name: string, code: string, message: string): FieldError => {
  const pointer = pointerTo('columns', name)
  return { pointer, code, message: `${pointer.slice('/columns/'.length)}: ${message}` }
}

/** Most errors listed in one answer; `count` tells how many there were. */
const LISTED_ERRORS = 50

export const invalidFields = (errors: readonly FieldError[], count = errors.length): MillwrightError =>
  new MillwrightError('VALIDATION_FAILED', { count }, { fields: errors.slice(0, LISTED_ERRORS) })
