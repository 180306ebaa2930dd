import type { SchemaColumn } from '@millwright/contracts'
import { parsePythonFloat } from './python-float.ts'

/** More fields are made to cost memory: no model reads so many columns. */
export const RECORD_FIELDS = 1 << 16

/** What stands between fields. */
export type Separator = ',' | '\t'

const LINE_ENDS = /[\r\n]*/y

/** Where the next line stands that is not empty. */
export function skipEmptyLines(text: string, start: number): number {
  LINE_ENDS.lastIndex = start
  return start + (LINE_ENDS.exec(text)?.[0].length ?? 0)
}

export type CsvRecord = { readonly fields: string[]; readonly next: number }

/**
 * One record (RFC 4180), and where its line ends; undefined when a quote is not closed or stands inside a field. Of a
 * record with more than RECORD_FIELDS fields, one more than those is read.
 */
export function readRecord(text: string, start: number, separator: Separator = ','): CsvRecord | undefined {
  const fields: string[] = []
  for (let at = start; ; at += 1) {
    const { field, end } = text[at] === '"' ? quotedField(text, at) : plainField(text, at, separator)
    const mark = text[end]
    const isEnd = mark === undefined || mark === '\n' || mark === '\r'
    if (field === undefined || !(isEnd || mark === separator)) return undefined
    fields.push(field)
    at = end
    if (isEnd || fields.length > RECORD_FIELDS) return { fields, next: end }
  }
}

const PLAIN: Readonly<Record<Separator, RegExp>> = { ',': /[^",\r\n]*/y, '\t': /[^"\t\r\n]*/y }

/** A field and where it ends; undefined when its quote is not closed. */
type Field = { readonly field: string | undefined; readonly end: number }

function plainField(text: string, start: number, separator: Separator): Field {
  const plain = PLAIN[separator]
  plain.lastIndex = start
  const [field] = plain.exec(text)!
  return { field, end: start + field.length }
}

function quotedField(text: string, start: number): Field {
  let quote = text.indexOf('"', start + 1)
  while (quote !== -1 && text[quote + 1] === '"') quote = text.indexOf('"', quote + 2)
  const field = quote === -1 ? undefined : text.slice(start + 1, quote).replaceAll('""', '"')
  return { field, end: quote + 1 }
}

const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
])

/** A field as pandas reads it for the column: an empty one is missing. */
export function csvValue(field: string, type: SchemaColumn['type']): unknown {
  if (field === '') return null
  if (type !== 'boolean' && type !== 'any') return field
  return TRUTH.get(field) ?? parsePythonFloat(field) ?? field
}
