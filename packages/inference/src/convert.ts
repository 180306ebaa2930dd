import type { CellValue, SchemaColumn } from '@millwright/contracts'
import type { Cell } from '@millwright/engine'
import { parsePythonFloat } from './python-float.ts'

/**
 * `strict`: as the schema says. `lenient`: as a Python program with `float(value)` would take it. `tensor`: as numpy
 * takes an element of an array: NaN is a missing value, text and truth values are numbers where numbers are read.
 */
export type Manners = 'strict' | 'lenient' | 'tensor'

/** A column of the schema, with its place in the model's input. */
export type Column = SchemaColumn & {
  readonly index: number
  readonly isCell: boolean
  readonly slot: number
  readonly known: ReadonlySet<CellValue> | undefined
}

/** Longest piece of a value or a field name that a message repeats. */
const SHOWN_CHARACTERS = 64
/** Known fields or categories that a message lists. */
const LISTED = 8

/** Why a value is not taken. Returned, not thrown: bad rows are daily bread. */
export class Refusal {
  readonly code: string
  readonly message: string
  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
}

const refuse = (code: string, expected: string, got: unknown): Refusal =>
  new Refusal(code, `expected ${expected}, got ${describe(got)}`)

/** A value as the model takes it, or why it is not taken. */
export function convert(column: Column, value: unknown, manners: Manners): Cell | Refusal {
  if (value === undefined) return new Refusal('missing', `expected ${nameOf(column)}, got nothing`)
  if (value === null || (manners === 'tensor' && Number.isNaN(value))) {
    if (!column.nullable) return refuse('null', nameOf(column), value)
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
  boolean: (column, given, manners) => {
    const value = manners === 'tensor' && (given === 0 || given === 1) ? given === 1 : given
    if (typeof value !== 'boolean') return refuse('wrong_type', 'true or false', value)
    return column.isCell ? value : Number(value)
  },
  string: (_column, value) => (typeof value === 'string' ? value : refuse('wrong_type', 'a string', value)),
  object: (_column, given, manners) => {
    const value = manners === 'tensor' ? jsonOf(given) : given
    return isObject(value) && isFlat(Object.values(value))
      ? JSON.stringify(value)
      : refuse('wrong_type', 'an object of plain values', given)
  },
  list: (_column, given, manners) => {
    const value = manners === 'tensor' ? jsonOf(given) : given
    return Array.isArray(value) && isFlat(value)
      ? JSON.stringify(value)
      : refuse('wrong_type', 'a list of plain values', given)
  },
  any: (column, value) => {
    if (typeof value === 'number')
      return Number.isFinite(value) ? value : refuse('not_finite', 'a finite number', value)
    if (!column.isCell) return refuse('wrong_type', 'a number', value)
    if (typeof value === 'string' || typeof value === 'boolean') return value
    return refuse('wrong_type', 'a string, a number, true or false', value)
  },
}

/** Tensors have no objects and lists: their elements are JSON text. */
function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** Plain values, and lists of them: all that a model reads out of an object or a list. */
const isFlat = (values: readonly unknown[]): boolean =>
  values.every((value) => isPlain(value) || (Array.isArray(value) && value.every(isPlain)))

function toNumber(column: Column, value: unknown, manners: Manners): number | Refusal {
  if (typeof value === 'number') {
    if (Number.isFinite(value) || (manners === 'tensor' && allows(column, value))) return value
    return new Refusal('not_finite', `expected ${nameOf(column)}, got a number beyond ±1.8e308`)
  }
  if (typeof value === 'string') {
    const word = nonFinite(value)
    if (word !== undefined && allows(column, word)) return word
    if (manners !== 'strict') return numberFromText(column, value)
    if (word !== undefined) return refuse('not_finite', nameOf(column), value)
  }
  if (typeof value === 'boolean' && manners !== 'strict') return Number(value)
  return refuse('wrong_type', nameOf(column), value)
}

function numberFromText(column: Column, text: string): number | Refusal {
  const number = parsePythonFloat(text)
  if (number === undefined) return refuse('wrong_type', nameOf(column), text)
  return Number.isFinite(number) || allows(column, number)
    ? number
    : refuse('not_finite', nameOf(column), text)
}

/** Compared, not looked up in a table: an engine first makes a name of what it looks up. */
function nonFinite(text: string): number | undefined {
  if (text === 'NaN') return Number.NaN
  if (text === 'Infinity') return Number.POSITIVE_INFINITY
  return text === '-Infinity' ? Number.NEGATIVE_INFINITY : undefined
}

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

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value in words, shortened; what a list or object holds is not repeated. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `the string ${JSON.stringify(shorten(value))}`
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value === 'number') return `the number ${value}`
  return String(value)
}

export const shorten = (text: string): string =>
  text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS - 1)}…`

/** The first of several values, and how many more there are. */
export function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, LISTED).map((value) => shorten(String(value)))
  const more = values.length - shown.length
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
