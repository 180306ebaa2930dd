import type { SchemaColumn } from '@millwright/contracts'
import { parsePythonFloat } from '../../inference/python-float.ts'
import { assertRows } from '../limits.ts'
import { invalidFields, type RowSource } from '../rows.ts'
import { type Columns, faultAt } from './columns.ts'
import { rowsOfNamedLists } from './lists.ts'

/** More fields are made to cost memory: no model reads so many columns. */
const RECORD_FIELDS = 1 << 16

/**
 * Records of a CSV text (RFC 4180); empty lines are left out.
 * @throws MillwrightError VALIDATION_FAILED with the record, for a quote that is not closed or stands inside a field;
 * TOO_MANY_ROWS
 */
export function parseCsv(text: string, maxRecords: number): string[][] {
  const records: string[][] = []
  for (let at = skipEmptyLines(text, 0); at < text.length; ) {
    const { fields, next } = parseRecord(text, at, records.length)
    records.push(fields)
    assertRows(records.length, maxRecords)
    at = skipEmptyLines(text, next)
  }
  return records
}

const LINE_ENDS = /[\r\n]*/y

function skipEmptyLines(text: string, start: number): number {
  LINE_ENDS.lastIndex = start
  return start + (LINE_ENDS.exec(text)?.[0].length ?? 0)
}

/** One record, and where the next one starts. */
function parseRecord(text: string, start: number, number: number) {
  const fields: string[] = []
  for (let at = start; ; at += 1) {
    const { field, end } = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    const mark = text[end]
    if (field === undefined || (mark !== undefined && !ENDS.includes(mark))) throw wrongRecord(number, QUOTES)
    fields.push(field)
    if (fields.length > RECORD_FIELDS) throw wrongRecord(number, `at most ${RECORD_FIELDS} fields`)
    at = end
    if (mark !== ',') return { fields, next: end }
  }
}

const ENDS = ',\r\n'
const PLAIN = /[^",\r\n]*/y

/** A field and where it ends; undefined when its quote is not closed. */
type Field = { readonly field: string | undefined; readonly end: number }

function plainField(text: string, start: number): Field {
  PLAIN.lastIndex = start
  const [field] = PLAIN.exec(text)!
  return { field, end: start + field.length }
}

function quotedField(text: string, start: number): Field {
  let quote = text.indexOf('"', start + 1)
  while (quote !== -1 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2)
  const field = quote === -1 ? undefined : text.slice(start + 1, quote).replaceAll('""', '"')
  return { field, end: quote + 1 }
}

const QUOTES = 'quotes around whole fields only, each closed, and "" for a quote inside'

const wrongRecord = (record: number, expected: string) =>
  invalidFields([faultAt(`/${record}`, 'wrong_type', `record ${record}: expected ${expected}`)])

export type Header = 'present' | 'absent'

/**
 * The rows of a CSV text. Unless `header` says it, the first record names the columns when a field of it is the name of
 * one, or when the model reads numbers alone and no field of it is a number.
 * @throws MillwrightError VALIDATION_FAILED
 */
export function rowsOfCsv(text: string, columns: Columns, header: Header | undefined): RowSource {
  const records = parseCsv(text, columns.maxRows + 1)
  const [first] = records
  const names = first !== undefined && (header ?? guessHeader(first, columns)) === 'present'
  return rowsOfNamedLists(
    {
      header: names ? first : undefined,
      lists: names ? records.slice(1) : records,
      headerAt: '/0',
      listsAt: '',
      readCell: csvValue,
    },
    columns,
  )
}

function guessHeader(record: readonly string[], { inputs, known }: Columns): Header {
  if (record.some((field) => known.has(field))) return 'present'
  const readsNumbers = inputs.every(({ type }) => type === 'number' || type === 'integer')
  const isText = (field: string): boolean => field !== '' && parsePythonFloat(field) === undefined
  return readsNumbers && record.every(isText) ? 'present' : 'absent'
}

const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
])

/** A field as pandas reads it for the column: an empty one is missing. */
function csvValue(given: unknown, { type }: SchemaColumn): unknown {
  const field = given as string
  if (field === '') return null
  if (type !== 'boolean' && type !== 'any') return field
  return TRUTH.get(field) ?? parsePythonFloat(field) ?? field
}
