import type { SchemaColumn } from '@millwright/contracts'
import { describe, isObject, listed } from '@millwright/inference/convert'
import { pointerTo } from '@millwright/inference/validate'
import { assertRows } from '../limits.ts'
import { invalidFields, type RowSource } from '../rows.ts'
import { base64Text, isBase64Object } from './base64.ts'
import { type Columns, faultAt, resolveNames, wrongWidth } from './columns.ts'

type Row = {
  /** By column, in the model's order. */
  readonly cells: readonly unknown[]
  /** Where it stands in the request, and where its cells do: JSON pointers. */
  readonly pointer: string
  readonly parts: readonly (string | number)[] | undefined
}

/**
 * The rows of a list. Each is a list of values in the model's order; an object of values by column, which may be wrapped
 * in lists or in objects by row number; or, where the model has one column, its value.
 * @throws MillwrightError VALIDATION_FAILED, TOO_MANY_ROWS
 */
export function rowsOfList(items: readonly unknown[], columns: Columns, pointer: string): RowSource {
  const rows: Row[] = []
  assertRows(items.length, columns.maxRows)
  for (let index = 0; index < items.length; index++) {
    for (const row of rowsOfItem(items[index], columns, `${pointer}/${index}`)) rows.push(row)
    assertRows(rows.length, columns.maxRows)
  }
  return sourceOf(rows, columns)
}

/**
 * The rows of an object with a list for each column, or of one matrix under a name of its own. Plain values in place of
 * lists are one row.
 * @throws MillwrightError VALIDATION_FAILED, TOO_MANY_ROWS
 */
export function rowsOfColumns(
  table: Readonly<Record<string, unknown>>,
  columns: Columns,
  pointer: string,
): RowSource {
  const { names, known } = columns
  const given = Object.keys(table)
  const [name = ''] = given
  const matrix = given.length > 1 || known.has(name) ? undefined : table[name]
  if (Array.isArray(matrix) && (names.length === 1 || Array.isArray(matrix[0])))
    return rowsOfList(matrix, columns, `${pointer}${pointerTo(name)}`)
  return sourceOf(rowsOfObject(table, columns, { pointer, isTable: true }), columns)
}

const sourceOf = (rows: readonly Row[], { names }: Columns): RowSource => ({
  count: rows.length,
  single: false,
  read: (reader, index, slab, at) => {
    const { cells } = rows[index]!
    return reader.readCells((column) => cells[column], slab, at)
  },
  pointer: (index, field) => {
    const { pointer, parts } = rows[index]!
    const part = parts?.[names.indexOf(field)]
    return part === undefined ? pointer : `${pointer}${pointerTo(part)}`
  },
})

function rowsOfItem(item: unknown, columns: Columns, pointer: string): Row[] {
  const { names, inputs } = columns
  if (isObject(item) && !isBase64Object(item)) return rowsOfObject(item, columns, { pointer, isTable: false })
  if (Array.isArray(item)) return [rowOfList(item, columns, pointer)]
  if (names.length === 1)
    return [{ cells: [plainValue(item, inputs[0]!, pointer)], pointer, parts: undefined }]
  const message = `expected a row: a list or an object of ${listed(names)}, got ${describe(item)}`
  throw invalidFields([faultAt(pointer, 'wrong_type', message)])
}

function rowOfList(list: readonly unknown[], { names, inputs }: Columns, pointer: string): Row {
  if (list.length !== names.length) throw invalidFields([wrongWidth(pointer, names, list)])
  const cells = list.map((value, column) => plainValue(value, inputs[column]!, pointer))
  return { cells, pointer, parts: names.map((_, column) => column) }
}

type ObjectManner = {
  readonly pointer: string
  /** It is all rows: its lists are columns, never one value of a column that reads lists. */
  readonly isTable: boolean
}

/** One row, or as many as the lists in it are long. */
function rowsOfObject(
  object: Readonly<Record<string, unknown>>,
  columns: Columns,
  { pointer, isTable }: ObjectManner,
): Row[] {
  const { inputs, known, maxRows } = columns
  const given = Object.keys(object)
  const matrix = given.length === 1 && !known.has(given[0]!) ? object[given[0]!] : undefined
  if (Array.isArray(matrix)) return [rowOfList(matrix, columns, `${pointer}${pointerTo(given[0]!)}`)]
  const parts = resolveNames(given, columns, pointer)
  const values = parts.map((name, column) => {
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    return unwrap(value, inputs[column]!, { pointer: `${pointer}${pointerTo(name)}`, isTable })
  })
  const height = heightOf(values, parts, pointer)
  assertRows(height, maxRows)
  return Array.from({ length: height }, (_, row) => ({
    cells: values.map(({ one, many }) => (many === undefined ? one : many[row])),
    pointer,
    parts,
  }))
}

/** What an object has for a column: a value for all its rows, or one for each. */
type Values = { readonly one?: unknown; readonly many?: readonly unknown[] }

function unwrap(value: unknown, column: SchemaColumn, { pointer, isTable }: ObjectManner): Values {
  const { type } = column
  const reads = type === 'object' || type === 'list'
  if (typeof value !== 'object' || value === null || (reads && !isTable)) return { one: value }
  if (isBase64Object(value)) return { one: base64Text(value, pointer) }
  if (!Array.isArray(value) && reads) return { one: value }
  return { many: Object.values(value).map((item) => plainValue(item, column, pointer)) }
}

/** A value as the column reads it, out of the list or the base64 it is wrapped in. */
function plainValue(value: unknown, { type }: SchemaColumn, pointer: string): unknown {
  if (typeof value !== 'object' || value === null || type === 'object' || type === 'list') return value
  if (isBase64Object(value)) return base64Text(value, pointer)
  return Array.isArray(value) && value.length === 1 ? value[0] : value
}

/** How many rows the values are. @throws MillwrightError VALIDATION_FAILED when they differ */
function heightOf(values: readonly Values[], names: readonly string[], pointer: string): number {
  const first = values.findIndex(({ many }) => many !== undefined)
  const height = values[first]?.many?.length ?? 1
  const errors = values.flatMap(({ many }, column) => {
    if (many === undefined || many.length === height) return []
    const message = `${names[column]}: expected ${height} values as ${names[first]} has, got ${many.length}`
    return [faultAt(`${pointer}${pointerTo(names[column]!)}`, 'wrong_length', message)]
  })
  if (errors.length > 0) throw invalidFields(errors)
  return height
}
