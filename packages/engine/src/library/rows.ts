import { RowError } from '../errors.ts'
import { slabWidths } from '../ir/frames.ts'
import type { Cell, Frame, InputColumn } from '../ir/program.ts'
import type { SchemaColumn } from '../ir/schema.ts'

/** A value of a row. null is a missing value; objects and lists are what record and list columns take. */
export type RowValue = Cell | readonly unknown[] | { readonly [key: string]: unknown }

/** Values by column name (other names are ignored), or all of them in the order of the model's columns. */
export type InputRow = { readonly [column: string]: RowValue } | readonly RowValue[]

/** The columns of a model as its program and its schema see them. */
export type Columns = { readonly inputs: readonly InputColumn[]; readonly schema: readonly SchemaColumn[] }

/** Longest piece of a value that a message repeats. */
const SHOWN_CHARACTERS = 64

/**
 * Rows as the model reads them: numbers stay what they are, null becomes the missing value of its column.
 * @throws RowError that names the row and the column, what was expected and what came
 */
export function frameOfRows({ inputs, schema }: Columns, rows: readonly InputRow[]): Frame {
  if (!Array.isArray(rows)) throw new RowError(`rows: expected a list of rows, got ${describe(rows)}`)
  const numbers = new Float64Array(rows.length * slabWidths(inputs).number)
  const cells: Cell[] = []
  let slot = 0
  for (const [at, row] of rows.entries()) {
    const values = valuesOf(row, schema, at)
    for (const [i, column] of schema.entries()) {
      const value = values[i]
      if (inputs[i]!.kind === 'number') numbers[slot++] = toNumber(value, column, at)
      else cells.push(toCell(value, column, at))
    }
  }
  return { rows: rows.length, numbers, cells }
}

function valuesOf(row: unknown, schema: readonly SchemaColumn[], at: number): readonly unknown[] {
  if (Array.isArray(row) || ArrayBuffer.isView(row)) {
    const values = row as unknown as readonly unknown[]
    if (values.length === schema.length) return values
    throw faultAt(at, undefined, `expected ${schema.length} values, got ${values.length}`)
  }
  if (typeof row !== 'object' || row === null)
    throw faultAt(at, undefined, `expected an object or a list of values, got ${describe(row)}`)
  const named = row as Record<string, unknown>
  return schema.map(({ name }) => (Object.hasOwn(named, name) ? named[name] : undefined))
}

function toNumber(value: unknown, column: SchemaColumn, at: number): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (value === null && column.nullable) return Number.NaN
  throw unexpected(value, column, at)
}

/** What a column of cells takes, by `typeof`. */
const TAKEN: Readonly<Record<SchemaColumn['type'], readonly string[]>> = {
  number: ['number', 'boolean'],
  integer: ['number', 'boolean'],
  boolean: ['number', 'boolean'],
  string: ['string'],
  object: ['object'],
  list: ['object'],
  any: ['string', 'number', 'boolean'],
}

function toCell(value: unknown, column: SchemaColumn, at: number): Cell {
  if (column.nullable && (value === null || Number.isNaN(value)))
    return column.null === 'NaN' ? Number.NaN : null
  if (value === null || !TAKEN[column.type].includes(typeof value)) throw unexpected(value, column, at)
  return typeof value === 'object' ? JSON.stringify(value) : (value as Cell)
}

const EXPECTED: Readonly<Record<SchemaColumn['type'], string>> = {
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  string: 'a string',
  object: 'an object',
  list: 'a list',
  any: 'a string, a number, true or false',
}

const unexpected = (value: unknown, column: SchemaColumn, at: number): RowError =>
  faultAt(
    at,
    column.name,
    `expected ${EXPECTED[column.type]}${column.nullable ? ' or null' : ''}, got ${describe(value)}`,
  )

/** A row's error that says where: `row 3, column age: …`. Rows count from 0. */
export function faultAt(row: number, field: string | undefined, what: string): RowError {
  const error = new RowError(`row ${row}${field === undefined ? '' : `, column ${field}`}: ${what}`)
  error.row = row
  error.field = field
  return error
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value)}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
