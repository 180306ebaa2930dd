import { type Cell, type Frame, type Program, RowError, type SchemaColumn } from '@millwright/engine'
import { CommandError } from './command.ts'
import type { Table } from './rows.ts'

const NAMED_NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  nan: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  inf: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
}

/**
 * Rows of a file as the model reads them. Columns are matched by name; when none of the model's names is there and the
 * number of columns is right, by position.
 * @throws CommandError that names the column, the row, what was expected and what came
 */
export function buildFrame(
  program: Program,
  schema: readonly Pick<SchemaColumn, 'type' | 'null'>[],
  table: Table,
): Frame {
  const at = matchColumns(program, table)
  const numbers = new Float64Array(
    table.rows.length * program.inputs.filter((column) => column.kind === 'number').length,
  )
  const cells: Cell[] = []
  let slot = 0
  for (const [r, row] of table.rows.entries())
    for (const [i, column] of program.inputs.entries()) {
      const position = at[i]!
      const value = row[position] ?? null
      const missing = table.columns[position]!.null ?? schema[i]!.null
      if (column.kind === 'cell')
        cells.push(toCell(value, { text: table.text, missing, type: schema[i]!.type }))
      else {
        const number = toNumber(value)
        if (number === undefined)
          throw new CommandError(
            `row ${r + 1}, column ${column.name}: expected a number, got ${shorten(value)}`,
          )
        numbers[slot++] = number
      }
    }
  return { rows: table.rows.length, numbers, cells }
}

/** Some rows of a frame, in the order given. */
export function pickRows({ inputs }: Program, frame: Frame, places: readonly number[]): Frame {
  const cells = inputs.filter(({ kind }) => kind === 'cell').length
  const numbers = inputs.length - cells
  const picked = new Float64Array(places.length * numbers)
  for (const [i, place] of places.entries())
    picked.set(frame.numbers.subarray(place * numbers, (place + 1) * numbers), i * numbers)
  return {
    rows: places.length,
    numbers: picked,
    cells: places.flatMap((place) => frame.cells.slice(place * cells, (place + 1) * cells)),
  }
}

/**
 * A row that the model raises on as a failure of the command; anything else as it is.
 * @param places of the rows in their file, where some were left out
 */
export function rowFailure(error: unknown, places?: readonly number[]): unknown {
  if (!(error instanceof RowError)) return error
  const { row } = error
  const place = row === undefined ? 'one of the rows' : `row ${(places?.[row] ?? row) + 1}`
  const field = error.field === undefined ? '' : `, column ${error.field}`
  return new CommandError(`${place}${field}: ${error.message}`, [
    'the library that wrote the model raises on this row too; leave it out or mend it',
  ])
}

function matchColumns(program: Program, table: Table): number[] {
  const positions = new Map(table.columns.map((column, i) => [column.name, i]))
  const missing = program.inputs.filter((column) => !positions.has(column.name))
  if (missing.length === 0) return program.inputs.map((column) => positions.get(column.name)!)
  if (missing.length === program.inputs.length && table.columns.length === program.inputs.length)
    return program.inputs.map((_, i) => i)
  throw new CommandError(
    `the rows lack ${missing.length} of the model's ${program.inputs.length} columns: ${missing
      .slice(0, 10)
      .map((column) => column.name)
      .join(', ')}`,
    [
      `the file has ${table.columns
        .map((column) => column.name)
        .slice(0, 20)
        .join(', ')}`,
    ],
  )
}

/** undefined for what is no number. */
export function toNumber(value: Cell): number | undefined {
  if (typeof value === 'number') return value
  if (value === null || value === '') return Number.NaN
  if (typeof value === 'boolean') return Number(value)
  if (value in NAMED_NUMBERS) return NAMED_NUMBERS[value]
  const number = Number(value)
  return value.trim() === '' || Number.isNaN(number) ? undefined : number
}

type CellContext = {
  readonly text: boolean
  readonly missing: 'NaN' | 'None'
  readonly type: SchemaColumn['type']
}

/** CSV has only text: a column whose categories are numbers or booleans gets them back. */
function toCell(value: Cell, { text, missing, type }: CellContext): Cell {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  if (value === null || (text && value === '')) return missing === 'NaN' ? Number.NaN : null
  if (!text || typeof value !== 'string' || type === 'string') return value
  if (type === 'boolean' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  const number = type === 'any' ? undefined : toNumber(value)
  return number ?? value
}

const shorten = (value: Cell): string => {
  const text = JSON.stringify(value)
  return text.length > 64 ? `${text.slice(0, 60)}…` : text
}
