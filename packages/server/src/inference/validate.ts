import type { CellValue, FieldError, ModelSchema, SchemaColumn } from '@millwright/contracts'
import type { Cell, Frame, InputColumn } from '@millwright/engine'
import { parsePythonFloat } from './python-float.ts'

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
  /** The same for row `index` of a table of columns in the order of `names`. */
  readColumns(columns: readonly unknown[][], index: number, target: Target): readonly Fault[] | undefined
  /** Value of a field as it stands in a row of the slab. */
  valueAt(slab: Slab, at: number, field: number): Cell
}
type Target = { readonly slab: Slab; readonly at: number }

/** `strict`: as the schema says. `lenient`: as a Python program with `float(value)` would take it. */
export type Manners = 'strict' | 'lenient'

type Column = SchemaColumn & {
  readonly index: number
  readonly isCell: boolean
  readonly slot: number
  readonly known: ReadonlySet<CellValue> | undefined
}

/** Most faults listed for one row. */
const FAULTS_PER_ROW = 50
/** Longest piece of a value or a field name that a message repeats. */
const SHOWN_CHARACTERS = 64
/** Known fields or categories that a message lists. */
const LISTED = 8

/** @throws RangeError when schema and program do not name the same columns */
export function createRowReader(
  schema: ModelSchema,
  inputs: readonly InputColumn[],
  manners: Manners,
): RowReader {
  const columns = columnsOf(schema, inputs)
  const names = columns.map((column) => column.name)
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
        faults.push(...unknownFields(row, names))
      return faults.length === 0 ? undefined : faults.slice(0, FAULTS_PER_ROW)
    },
    readColumns(table, index, { slab, at }) {
      const faults: Fault[] = []
      for (let column = 0; column < names.length; column++) {
        const fault = read(column, table[column]![index], slab, at)
        if (fault !== undefined) faults.push(fault)
      }
      return faults.length === 0 ? undefined : faults
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

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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

/** Why a value is not taken. Returned, not thrown: bad rows are daily bread. */
class Refusal {
  readonly code: string
  readonly message: string
  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
}

const refuse = (code: string, expected: string, got: unknown): Refusal =>
  new Refusal(code, `expected ${expected}, got ${describe(got)}`)

function convert(column: Column, value: unknown, manners: Manners): Cell | Refusal {
  if (value === undefined) return new Refusal('missing', `expected ${nameOf(column)}, got nothing`)
  if (value === null) {
    if (!column.nullable) return refuse('null', nameOf(column), null)
    return column.null === 'NaN' || !column.isCell ? Number.NaN : null
  }
  const taken = CONVERT[column.type](column, value, manners)
  if (taken instanceof Refusal || column.known === undefined || column.known.has(taken)) return taken
  if (typeof value === 'boolean' && column.known.has(value)) return taken
  return refuse('unknown_category', `one of ${listed([...column.known])}`, value)
}

type Convert = (column: Column, value: unknown, manners: Manners) => Cell | Refusal

const CONVERT: Record<SchemaColumn['type'], Convert> = {
  number: toNumber,
  integer: (column, value, manners) => {
    const number = toNumber(column, value, manners)
    if (typeof number !== 'number' || Number.isNaN(number) || Math.abs(number) === Number.POSITIVE_INFINITY)
      return number
    if (!Number.isInteger(number)) return refuse('not_integer', 'an integer', value)
    if (!Number.isSafeInteger(number))
      return refuse(
        'out_of_range',
        'an integer within ±(2^53 − 1), beyond which JSON numbers lose digits',
        value,
      )
    return number
  },
  boolean: (column, value) => {
    if (typeof value !== 'boolean') return refuse('wrong_type', 'true or false', value)
    return column.isCell ? value : Number(value)
  },
  string: (_column, value) => (typeof value === 'string' ? value : refuse('wrong_type', 'a string', value)),
  object: (_column, value) =>
    isObject(value) && isFlat(Object.values(value))
      ? JSON.stringify(value)
      : refuse('wrong_type', 'an object of plain values', value),
  list: (_column, value) =>
    Array.isArray(value) && isFlat(value)
      ? JSON.stringify(value)
      : refuse('wrong_type', 'a list of plain values', value),
  any: (column, value) => {
    if (typeof value === 'number')
      return Number.isFinite(value) ? value : refuse('not_finite', 'a finite number', value)
    if (!column.isCell) return refuse('wrong_type', 'a number', value)
    if (typeof value === 'string' || typeof value === 'boolean') return value
    return refuse('wrong_type', 'a string, a number, true or false', value)
  },
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Plain values, and lists of them: all that a model reads out of an object or a list. */
const isFlat = (values: readonly unknown[]): boolean =>
  values.every((value) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)))

function toNumber(column: Column, value: unknown, manners: Manners): number | Refusal {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    return new Refusal('not_finite', `expected ${nameOf(column)}, got a number beyond ±1.8e308`)
  }
  if (typeof value === 'string') {
    const word = NON_FINITE[value]
    if (word !== undefined && allows(column, word)) return word
    if (manners === 'lenient') return numberFromText(column, value)
    if (word !== undefined) return refuse('not_finite', nameOf(column), value)
  }
  if (typeof value === 'boolean' && manners === 'lenient') return Number(value)
  return refuse('wrong_type', nameOf(column), value)
}

function numberFromText(column: Column, text: string): number | Refusal {
  const number = parsePythonFloat(text)
  if (number === undefined) return refuse('wrong_type', nameOf(column), text)
  return Number.isFinite(number) || allows(column, number)
    ? number
    : refuse('not_finite', nameOf(column), text)
}

const NON_FINITE: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
})

const allows = (column: Column, value: number): boolean =>
  Number.isNaN(value) ? column.nullable && column.null === 'NaN' : column.infinite

const TYPE_NAMES: Record<SchemaColumn['type'], string> = {
  number: 'a finite number',
  integer: 'an integer',
  boolean: 'true or false',
  string: 'a string',
  object: 'an object',
  list: 'a list',
  any: 'a value',
}

const nameOf = (column: Column): string => TYPE_NAMES[column.type] + (column.nullable ? ' or null' : '')

const notARow = (value: unknown): Fault => ({
  field: '',
  code: 'wrong_type',
  message: `expected an object with one field per column, got ${describe(value)}`,
})

function unknownFields(row: Record<string, unknown>, names: readonly string[]): Fault[] {
  const known = new Set(names)
  return Object.keys(row)
    .filter((name) => !known.has(name))
    .slice(0, FAULTS_PER_ROW)
    .map((name) => ({
      field: name,
      code: 'unknown_field',
      message: `${shorten(name)}: the model has no such field; it reads ${listed(names)}`,
    }))
}

/** A value in words, shortened; what a list or object holds is not repeated. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `the string ${JSON.stringify(shorten(value))}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'number') return `the number ${value}`
  return String(value)
}

const shorten = (text: string): string =>
  text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`

function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, LISTED).map((value) => shorten(String(value)))
  const more = values.length - shown.length
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
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
