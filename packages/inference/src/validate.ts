import type { FieldError, ModelSchema } from '@millwright/contracts'
import type { Cell, Frame, InputColumn } from '@millwright/engine'
import {
  type Column,
  convert,
  describe,
  isObject,
  listed,
  type Manners,
  Refusal,
  shorten,
} from './convert.ts'

/** What is wrong with one value; the caller knows where in the request it stands. */
export type Fault = { readonly field: string; readonly code: string; readonly message: string }

/** Room for rows on their way into the model; a `Frame` is a view of its first rows. */
export type Slab = {
  readonly numbers: Float64Array
  readonly cells: Cell[]
}

/** Reads rows of JSON values into a slab, by the schema of one version. Built once when the version is loaded. */
export type RowReader = {
  readonly names: readonly string[]
  createSlab(rows: number): Slab
  /** The first rows of a slab. */
  frameOf(slab: Slab, rows: number): Frame
  /** One row of a slab. */
  frameOfRow(slab: Slab, at: number): Frame
  /** Fills row `at` of the slab; what is wrong, or undefined when nothing is. */
  readRow(row: unknown, slab: Slab, at: number): readonly Fault[] | undefined
  /** The same for a row whose values stand elsewhere, by column in the order of `names`. */
  readCells(cellAt: (column: number) => unknown, slab: Slab, at: number): readonly Fault[] | undefined
  /** Value of a field as it stands in a row of the slab. */
  valueAt(slab: Slab, at: number, field: number): Cell
}

/** Most faults listed for one row. */
const FAULTS_PER_ROW = 50

/**
 * @param ignored a field that a row may have besides those of the schema
 * @throws RangeError when schema and program do not name the same columns
 */
export function createRowReader(
  schema: ModelSchema,
  inputs: readonly InputColumn[],
  manners: Manners,
  ignored?: string,
): RowReader {
  const columns = columnsOf(schema, inputs)
  const names = columns.map((column) => column.name)
  const known: ReadonlySet<string> = new Set(ignored === undefined ? names : [...names, ignored])
  const cellWidth = columns.filter((column) => column.isCell).length
  const numberWidth = columns.length - cellWidth
  /** Columns whose finite numbers need no second look. */
  const plain = columns.map(
    (column) => column.type === 'number' && !column.isCell && column.known === undefined,
  )
  const slots = columns.map((column) => column.slot)

  const put = (column: Column, value: Cell, slab: Slab, at: number): void => {
    if (column.isCell) slab.cells[at * cellWidth + column.slot] = value
    else slab.numbers[at * numberWidth + column.slot] = value as number
  }
  const read = (index: number, value: unknown, slab: Slab, at: number): Fault | undefined => {
    if (plain[index] && typeof value === 'number' && Number.isFinite(value)) {
      slab.numbers[at * numberWidth + slots[index]!] = value
      return undefined
    }
    const column = columns[index]!
    const result = convert(column, value, manners)
    if (result instanceof Refusal)
      return { field: column.name, code: result.code, message: `${column.name}: ${result.message}` }
    put(column, result, slab, at)
    return undefined
  }

  return {
    names,
    createSlab: (rows) => ({
      numbers: new Float64Array(rows * numberWidth),
      cells: new Array<Cell>(rows * cellWidth).fill(null),
    }),
    frameOf: (slab, rows) =>
      slab.numbers.length === rows * numberWidth && slab.cells.length === rows * cellWidth
        ? { rows, numbers: slab.numbers, cells: slab.cells }
        : {
            rows,
            numbers: slab.numbers.subarray(0, rows * numberWidth),
            cells: slab.cells.slice(0, rows * cellWidth),
          },
    frameOfRow: (slab, at) => ({
      rows: 1,
      numbers: slab.numbers.subarray(at * numberWidth, (at + 1) * numberWidth),
      cells: slab.cells.slice(at * cellWidth, (at + 1) * cellWidth),
    }),
    readRow(row, slab, at) {
      if (!isObject(row)) return [notARow(row)]
      const faults: Fault[] = []
      for (let index = 0; index < names.length; index++) {
        const fault = read(index, ownField(row, names[index]!), slab, at)
        if (fault !== undefined) faults.push(fault)
      }
      if (manners === 'strict' && countFields(row) !== names.length - missingIn(faults))
        faults.push(...unknownFields(row, known, names))
      return faults.length === 0 ? undefined : faults.slice(0, FAULTS_PER_ROW)
    },
    readCells(cellAt, slab, at) {
      const faults: Fault[] = []
      for (let column = 0; column < names.length; column++) {
        const fault = read(column, cellAt(column), slab, at)
        if (fault !== undefined) faults.push(fault)
      }
      return faults.length === 0 ? undefined : faults.slice(0, FAULTS_PER_ROW)
    },
    valueAt: (slab, at, field) => {
      const { isCell, slot } = columns[field]!
      return isCell ? slab.cells[at * cellWidth + slot]! : slab.numbers[at * numberWidth + slot]!
    },
  }
}

function columnsOf(schema: ModelSchema, inputs: readonly InputColumn[]): Column[] {
  const names = inputs.map((column) => column.name)
  if (names.join('\n') !== schema.inputs.map((column) => column.name).join('\n'))
    throw new RangeError('the schema and the program name different columns; deploy the model file again')
  const next = { number: 0, cell: 0 }
  return schema.inputs.map((column, index) => {
    const kind = inputs[index]!.kind
    return {
      ...column,
      index,
      isCell: kind === 'cell',
      slot: next[kind]++,
      known:
        column.unknown === 'refused' && column.categories !== undefined
          ? new Set(column.categories)
          : undefined,
    }
  })
}

/** A field of a parsed object. What the object inherits (`toString`, `__proto__`) is not a field. */
function ownField(row: Record<string, unknown>, name: string): unknown {
  const value = row[name]
  if (typeof value === 'function' || (typeof value === 'object' && value !== null))
    return Object.hasOwn(row, name) ? value : undefined
  return value
}

function countFields(row: Record<string, unknown>): number {
  let count = 0
  for (const _name in row) count += 1
  return count
}

const missingIn = (faults: readonly Fault[]): number =>
  faults.length === 0 ? 0 : faults.filter((fault) => fault.code === 'missing').length

const notARow = (value: unknown): Fault => ({
  field: '',
  code: 'wrong_type',
  message: `expected an object with one field per column, got ${describe(value)}`,
})

function unknownFields(
  row: Record<string, unknown>,
  known: ReadonlySet<string>,
  names: readonly string[],
): Fault[] {
  return Object.keys(row)
    .filter((name) => !known.has(name))
    .slice(0, FAULTS_PER_ROW)
    .map((name) => ({
      field: name,
      code: 'unknown_field',
      message: `${shorten(name)}: the model has no such field; it reads ${listed(names)}`,
    }))
}

/** A fault at a place of the request (RFC 6901). */
export const fieldErrorAt = (pointer: string, fault: Fault): FieldError => ({
  pointer,
  code: fault.code,
  message: fault.message,
})

/** A path of the request as a JSON pointer; long names are cut. */
export const pointerTo = (...path: readonly (string | number)[]): string =>
  path
    .map((part) =>
      typeof part === 'number' ? `/${part}` : `/${shorten(part).replace(/~/g, '~0').replace(/\//g, '~1')}`,
    )
    .join('')
