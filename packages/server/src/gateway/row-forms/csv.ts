import { csvValue, RECORD_FIELDS, readRecord, skipEmptyLines } from '@millwright/inference/csv'
import { parsePythonFloat } from '@millwright/inference/python-float'
import { assertRows } from '../limits.ts'
import { invalidFields, type RowSource } from '../rows.ts'
import { type Columns, faultAt } from './columns.ts'
import { rowsOfNamedLists } from './lists.ts'

/**
 * Records of a CSV text (RFC 4180); empty lines are left out.
 * @throws MillwrightError VALIDATION_FAILED with the record, for a quote that is not closed or stands inside a field;
 * TOO_MANY_ROWS
 */
export function parseCsv(text: string, maxRecords: number): string[][] {
  const records: string[][] = []
  for (let at = skipEmptyLines(text, 0); at < text.length; ) {
    const record = readRecord(text, at)
    if (record === undefined) throw wrongRecord(records.length, QUOTES)
    if (record.fields.length > RECORD_FIELDS)
      throw wrongRecord(records.length, `at most ${RECORD_FIELDS} fields`)
    records.push(record.fields)
    assertRows(records.length, maxRecords)
    at = skipEmptyLines(text, record.next)
  }
  return records
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
      readCell: (field, { type }) => csvValue(field as string, type),
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
