import type { ModelSchema } from '@millwright/contracts'
import type { Cell } from '@millwright/engine'
import { isObject } from '@millwright/inference/convert'
import { csvValue, readRecord, type Separator, skipEmptyLines } from '@millwright/inference/csv'
import type { Fault } from '@millwright/inference/validate'
import { CommandError } from '../command.ts'
import type { PieceRows, Scored } from './scorer.ts'

/** Rows of a piece of text, and how those that got answers are written with them. */
export type TextRows = PieceRows & {
  /** JSON of a row, for the file of rejects. */
  json(index: number): string
  /** The line of a row with its answers. */
  line(index: number, answers: readonly Cell[]): string
}

export type TextPlan = {
  readonly kind: 'csv' | 'ndjson'
  readonly schema: ModelSchema
  /** Columns of the file; of NDJSON only the rows say theirs. */
  readonly header: readonly string[]
  /** Where the model's columns stand in the header. */
  readonly places: readonly number[]
  readonly separator: Separator
  /** Columns that are written; undefined: all, as they stand in the file. */
  readonly keep: readonly string[] | undefined
  /** Names of the columns that are added. */
  readonly added: readonly string[]
}

export const readText = (text: string, plan: TextPlan): TextRows =>
  plan.kind === 'csv' ? csvRows(text, plan) : ndjsonRows(text, plan)

/** Lines of the good rows. `version` is the last of their columns. */
export function writeLines(rows: TextRows, { good, values }: Scored, version: string): string {
  let text = ''
  const answers: Cell[] = new Array(values.length + 1).fill(version)
  for (let at = 0; at < good.length; at++) {
    for (let column = 0; column < values.length; column++) answers[column] = values[column]![at]!
    text += `${rows.line(good[at]!, answers)}\n`
  }
  return text
}

type CsvRow = { readonly fields: readonly string[]; readonly text: string }

/** @throws CommandError for quotes that do not close: where the next row begins is not known then */
function csvRows(text: string, { schema, header, places, separator, keep }: TextPlan): TextRows {
  const records = [...recordsOf(text, separator)]
  const types = schema.inputs.map(({ type }) => type)
  const kept = keep?.map((name) => header.indexOf(name))
  let fields: readonly string[] = []
  const cellAt = (column: number): unknown => csvValue(fields[places[column]!]!, types[column]!)
  return {
    count: records.length,
    read(reader, index, slab, at) {
      fields = records[index]!.fields
      return fields.length === header.length
        ? reader.readCells(cellAt, slab, at)
        : [wrongWidth(header, fields)]
    },
    json: (index) => {
      const { fields: given } = records[index]!
      return JSON.stringify(
        given.length === header.length
          ? Object.fromEntries(header.map((name, i) => [name, given[i]]))
          : given,
      )
    },
    line(index, answers) {
      const row = records[index]!
      const start =
        kept === undefined
          ? row.text
          : kept.map((place) => csvField(row.fields[place]!, separator)).join(separator)
      let line = start
      for (const answer of answers) line += separator + csvField(answer, separator)
      return kept?.length === 0 ? line.slice(separator.length) : line
    },
  }
}

function* recordsOf(text: string, separator: Separator): Generator<CsvRow> {
  for (let at = skipEmptyLines(text, 0); at < text.length; ) {
    const record = readRecord(text, at, separator)
    if (record === undefined)
      throw new CommandError(
        `the row ${JSON.stringify(text.slice(at, at + 80))} has quotes that do not close`,
        ['quotes stand around whole fields, and a quote inside is written twice'],
      )
    yield { fields: record.fields, text: text.slice(at, record.next) }
    at = skipEmptyLines(text, record.next)
  }
}

const wrongWidth = (header: readonly string[], fields: readonly string[]): Fault => ({
  field: '',
  code: 'wrong_length',
  message: `expected ${header.length} values as in the header, got ${fields.length}`,
})

/** A field, in quotes where it needs them. */
export function csvField(value: Cell, separator: Separator): string {
  if (typeof value === 'number') return `${value}`
  if (value === null) return ''
  const text = String(value)
  return /["\n\r]/.test(text) || text.includes(separator) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Fields that the model does not read are carried along; those that it reads are checked as the API does. */
function ndjsonRows(text: string, { schema, keep, added }: TextPlan): TextRows {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const rows = lines.map(parseLine)
  const names = schema.inputs.map(({ name }) => name)
  const keys = added.map((name) => `${JSON.stringify(name)}:`)
  let row: Record<string, unknown> = {}
  const cellAt = (column: number): unknown => own(row, names[column]!)
  return {
    count: lines.length,
    read(reader, index, slab, at) {
      const given = rows[index]
      if (given instanceof SyntaxError) return [notJson(given)]
      if (!isObject(given)) return reader.readRow(given, slab, at)
      row = given
      const taken = keep === undefined ? added.find((name) => Object.hasOwn(given, name)) : undefined
      return taken === undefined ? reader.readCells(cellAt, slab, at) : [takenName(taken)]
    },
    json: (index) =>
      rows[index] instanceof SyntaxError ? JSON.stringify(lines[index]) : lines[index]!.trim(),
    line(index, answers) {
      const start = keep === undefined ? openObject(lines[index]!) : keptFields(lines[index]!, keep)
      let line = start
      for (let i = 0; i < keys.length; i++)
        line += (i === 0 && start === '{' ? '' : ',') + keys[i]! + jsonValue(answers[i]!)
      return `${line}}`
    },
  }
}

const own = (row: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(row, name) ? row[name] : undefined

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    return error
  }
}

const notJson = (error: SyntaxError): Fault => ({
  field: '',
  code: 'invalid_json',
  message: `expected an object with one field per column, got a line that is not JSON: ${error.message}`,
})

const takenName = (name: string): Fault => ({
  field: name,
  code: 'name_taken',
  message: `${name}: the answer has a field of this name; rename it, or name the fields to write with --keep`,
})

/** The text of an object without its end. */
const openObject = (line: string): string => line.slice(0, line.lastIndexOf('}')).trim()

/** The same of some fields, numbers as they are spelt. */
function keptFields(line: string, keep: readonly string[]): string {
  const spelt = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
    typeof value === 'number' ? rawJson(source!) : value
  // The third argument of the reviver and `rawJSON` are newer than TypeScript's library.
  const row = JSON.parse(line, spelt as (key: string, value: unknown) => unknown) as Record<string, unknown>
  const fields = keep.filter((name) => Object.hasOwn(row, name)).map((name) => [name, row[name]])
  return JSON.stringify(Object.fromEntries(fields)).slice(0, -1)
}
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** As the API writes it: what JSON has no number for is text. */
const jsonValue = (value: Cell): string =>
  typeof value === 'number' ? (Number.isFinite(value) ? `${value}` : `"${value}"`) : JSON.stringify(value)
