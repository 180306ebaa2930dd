import { stat } from 'node:fs/promises'
import { DuckDBTypeId, LIST, listValue, VARCHAR } from '@duckdb/node-api'
import { CommandError } from '../command.ts'
import {
  type Database,
  firstLine,
  type ParquetColumn,
  type ParquetFile,
  partPath,
  quoted,
  REJECTED,
  syncFile,
} from './parquet.ts'
import type { OutputColumn } from './scorer.ts'

export type Format = 'parquet' | 'csv' | 'ndjson'

/** SQL types of the columns that are added. */
const SQL_TYPES: Readonly<Record<OutputColumn['type'], string>> = {
  number: 'double',
  integer: 'bigint',
  boolean: 'boolean',
  text: 'varchar',
}

const COPY_OPTIONS: Readonly<Record<Format, string>> = {
  parquet: 'format parquet',
  csv: 'format csv, header true, delim ',
  ndjson: 'format json',
}

/** A file to write; what stands between fields counts where it is CSV. */
export type Target = { readonly path: string; readonly format: Format; readonly separator: string }

/** A Parquet file and the results beside it. */
export type Joined = {
  readonly input: ParquetFile
  readonly folder: string
  readonly parts: number
  readonly outputs: readonly OutputColumn[]
}

/** The input row by row beside its results: both have the same rows in the same order. */
const SOURCE = 'read_parquet($input) i positional join read_parquet($parts) r'

export type Written = {
  readonly keep: readonly string[]
  readonly version: string
  readonly anyRejected: boolean
  readonly target: Target
}

/** Writes the rows that have answers, with their answers, to a file. @throws CommandError */
export async function writeAnswered(database: Database, joined: Joined, written: Written): Promise<void> {
  const { format } = written.target
  const kept = written.keep.map((name) => joined.input.columns.find((column) => column.name === name)!)
  const added = joined.outputs.map(({ name, type }) => {
    const value = `r.${quoted(name)}::${SQL_TYPES[type]}`
    return `${format === 'ndjson' && type === 'number' ? finite(value) : value} as ${quoted(name)}`
  })
  const columns = [
    ...kept.map((column) => `${inputValue(column, format)} as ${quoted(column.name)}`),
    ...added,
    `${text(written.version)} as model_version`,
  ]
  const where = written.anyRejected ? `where r."${REJECTED}" = 0` : ''
  await copyJoined(database, joined, {
    target: written.target,
    select: `select ${columns.join(', ')} from ${SOURCE} ${where}`,
  })
}

/**
 * Writes rejected rows behind their reasons, one JSON object a line.
 * @param reasons a file of `{"row", "errors"}` lines
 * @throws CommandError
 */
export async function writeRejected(
  database: Database,
  input: ParquetFile,
  { reasons, path }: { readonly reasons: string; readonly path: string },
): Promise<void> {
  const fields = input.columns.map((column) => `${text(column.name)}: ${inputValue(column, 'ndjson')}`)
  const select = `select r."row", r.errors, {${fields.join(', ')}} as data
    from read_json($reasons, format = 'newline_delimited', columns = {"row": 'bigint', errors: 'json'}) r
    join read_parquet($input, file_row_number = true) i on i.file_row_number = r."row" - 1 order by r."row"`
  const target: Target = { path, format: 'ndjson', separator: ',' }
  await run(database, { target, select }, { input: input.path, reasons })
}

type Copy = { readonly select: string; readonly target: Target }

function copyJoined(database: Database, { input, folder, parts }: Joined, copy: Copy): Promise<void> {
  const paths = Array.from({ length: parts }, (_, part) => partPath(folder, part))
  return run(database, copy, { input: input.path, parts: listValue(paths) })
}

async function run(
  { connection }: Database,
  { select, target: { path, format, separator } }: Copy,
  values: Readonly<Record<string, string | ReturnType<typeof listValue>>>,
): Promise<void> {
  const types = 'parts' in values ? { parts: LIST(VARCHAR) } : {}
  const options = COPY_OPTIONS[format] + (format === 'csv' ? text(separator) : '')
  try {
    await connection.run(`copy (${select}) to $path (${options})`, { ...values, path }, types)
  } catch (error) {
    throw new CommandError(`${path} cannot be written: ${firstLine(error)}`, [
      'the rows are scored: make room, and run the same command again',
    ])
  }
  await syncFile(path)
}

/** A value of the input. JSON has no number for NaN and infinities: they are null there. */
function inputValue({ name, type: { typeId } }: ParquetColumn, format: Format): string {
  const value = `i.${quoted(name)}`
  const isFloat = typeId === DuckDBTypeId.DOUBLE || typeId === DuckDBTypeId.FLOAT
  return format === 'ndjson' && isFloat ? finite(value) : value
}

const finite = (value: string): string => `case when isfinite(${value}) then ${value} end`

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

/**
 * A text file of scored rows in another format. What is kept of a CSV file stays text; without a row, of NDJSON only the
 * columns of the answers are known.
 * @throws CommandError
 */
export async function convertText(
  database: Database,
  from: { readonly path: string; readonly format: 'csv' | 'ndjson'; readonly separator: string },
  to: { readonly target: Target; readonly outputs: readonly OutputColumn[] },
): Promise<void> {
  const columns = to.outputs.map(({ name, type }) => `${quoted(name)}::${SQL_TYPES[type]} as ${quoted(name)}`)
  const read =
    from.format === 'csv'
      ? `read_csv($input, header = true, all_varchar = true, delim = ${text(from.separator)}, quote = '"', escape = '"')`
      : "read_json($input, format = 'newline_delimited', sample_size = -1)"
  const target = to.target
  if (from.format === 'ndjson' && (await stat(from.path)).size === 0) {
    const nulls = to.outputs.map(({ name, type }) => `null::${SQL_TYPES[type]} as ${quoted(name)}`)
    await run(database, { select: `select ${nulls.join(', ')} limit 0`, target }, {})
    return
  }
  await run(
    database,
    { select: `select * replace (${columns.join(', ')}) from ${read}`, target },
    { input: from.path },
  )
}
