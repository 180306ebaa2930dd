import type { SchemaColumn } from '@millwright/contracts'
import { listed } from '@millwright/inference/convert'
import { assertRows } from '../limits.ts'
import { invalidFields, type RowSource } from '../rows.ts'
import { type Columns, faultAt, resolveNames, wrongWidth } from './columns.ts'

/** Rows as lists of values, with the names of their columns beside them. */
export type NamedLists = {
  /** undefined: in the model's order. */
  readonly header: readonly string[] | undefined
  readonly lists: readonly unknown[]
  /** Where both stand in the request: JSON pointers. */
  readonly headerAt: string
  readonly listsAt: string
  /** A value as the column is to read it. */
  readonly readCell?: (value: unknown, column: SchemaColumn) => unknown
}

const asIs = (value: unknown): unknown => value

/** @throws MillwrightError TOO_MANY_ROWS; VALIDATION_FAILED when columns are missing or repeated, or a row has another width */
export function rowsOfNamedLists(
  { header, lists, headerAt, listsAt, readCell = asIs }: NamedLists,
  columns: Columns,
): RowSource {
  const { names, inputs, maxRows } = columns
  assertRows(lists.length, maxRows)
  const given = header ?? names
  const places = header === undefined ? names.map((_, index) => index) : locate(header, columns, headerAt)
  const errors = lists.flatMap((list, index) =>
    Array.isArray(list) && list.length === given.length
      ? []
      : [wrongWidth(`${listsAt}/${index}`, given, list)],
  )
  if (errors.length > 0) throw invalidFields(errors)
  return {
    count: lists.length,
    single: false,
    read: (reader, index, slab, at) => {
      const list = lists[index] as unknown[]
      return reader.readCells((column) => readCell(list[places[column]!], inputs[column]!), slab, at)
    },
    pointer: (index, field) => {
      const place = places[names.indexOf(field)]
      return place === undefined ? `${listsAt}/${index}` : `${listsAt}/${index}/${place}`
    },
  }
}

/** Where each column of the model stands. */
function locate(header: readonly string[], columns: Columns, pointer: string): number[] {
  const keys = resolveNames(header, columns, pointer)
  const places = new Map<string, number>()
  const repeated = new Set<string>()
  for (const [index, name] of header.entries()) {
    if (places.has(name)) repeated.add(name)
    else places.set(name, index)
  }
  const errors = keys.flatMap((name) => {
    if (repeated.has(name)) return [faultAt(pointer, 'repeated', `${name}: expected each column once`)]
    if (places.has(name)) return []
    const got = listed(header) || 'none'
    return [faultAt(pointer, 'missing', `${name}: expected a column of this name, got ${got}`)]
  })
  if (errors.length > 0) throw invalidFields(errors)
  return keys.map((name) => places.get(name)!)
}
