import { extname } from 'node:path'
import type { Cell } from '@millwright/engine'
import { CommandError } from './command.ts'
import { assertRegularFile, readText } from './read-file.ts'

/** Rows of a file. `text`: every value is text still (CSV). */
export type Table = {
  readonly columns: readonly TableColumn[]
  readonly rows: readonly (readonly Cell[])[]
  readonly text: boolean
}

/** `null`: what a missing value of the column means, when the file says so. */
type TableColumn = { readonly name: string; readonly null?: 'NaN' | 'None' }

const READERS: Readonly<Record<string, (path: string) => Promise<Table>>> = {
  '.csv': readCsv,
  '.tsv': (path) => readCsv(path, '\t'),
  '.json': readJson,
  '.ndjson': readNdjson,
  '.jsonl': readNdjson,
  '.parquet': readParquet,
}

/** Reads rows by the file's extension. @throws CommandError that names the file and the line */
export async function readRows(path: string): Promise<Table> {
  const read = READERS[extname(path).toLowerCase()]
  if (read === undefined)
    throw new CommandError(`${path}: rows are read from ${Object.keys(READERS).join(', ')} files`)
  const table = await read(path)
  assertDistinctColumns(path, table)
  if (table.rows.length === 0) throw new CommandError(`${path} has no rows`)
  return table
}

function assertDistinctColumns(path: string, { columns }: Table): void {
  const names = columns.map((column) => column.name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw new CommandError(`${path} has two columns called ${JSON.stringify(twice)}`, [
      'which of them is meant cannot be known: rename or remove one',
    ])
}

/** Each row by column name. */
export function recordsOf(table: Table): Record<string, Cell>[] {
  return table.rows.map((row) =>
    Object.fromEntries(table.columns.map((column, i) => [column.name, row[i] ?? null])),
  )
}

async function readCsv(path: string, delimiter = ','): Promise<Table> {
  const [{ parse }, text] = await Promise.all([import('csv-parse/sync'), readText(path)])
  let lines: string[][]
  try {
    lines = parse(text, { bom: true, delimiter, skip_empty_lines: true })
  } catch (error) {
    throw new CommandError(`${path} is not CSV: ${(error as Error).message}`)
  }
  const [header, ...rows] = lines
  if (header === undefined) throw new CommandError(`${path} is empty; its first line should name the columns`)
  if (header.length === 1 && /[;\t]/.test(header[0]!))
    throw new CommandError(`${path} is not separated by ${delimiter === ',' ? 'commas' : 'tabs'}`, [
      'save it with commas and the extension .csv, or with tabs and .tsv',
    ])
  return { columns: header.map((name) => ({ name })), rows, text: true }
}

async function readJson(path: string): Promise<Table> {
  const document = parseJson(await readText(path), path)
  if (Array.isArray(document)) return fromRecords(document, path)
  const { columns, rows } = document as { columns?: unknown; rows?: unknown }
  if (Array.isArray(rows) && Array.isArray(columns))
    return { columns: columns.map(columnOf), rows: rows as Cell[][], text: false }
  if (Array.isArray(rows)) return fromRecords(rows, path)
  if (typeof document === 'object' && document !== null) return fromRecords([document], path)
  throw new CommandError(`${path}: expected a list of rows, or {"columns": […], "rows": [[…]]}`)
}

const columnOf = (column: unknown): TableColumn =>
  typeof column === 'string' ? { name: column } : (column as TableColumn)

async function readNdjson(path: string): Promise<Table> {
  const lines = (await readText(path)).split('\n')
  const records = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [parseJson(line, `${path} line ${i + 1}`)],
  )
  return fromRecords(records, path)
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new CommandError(`${where} is not JSON: ${(error as Error).message}`)
  }
}

function fromRecords(records: readonly unknown[], path: string): Table {
  const names = new Set<string>()
  for (const [i, record] of records.entries()) {
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      throw new CommandError(`${path}: row ${i + 1} is not an object of column: value`)
    for (const name of Object.keys(record)) names.add(name)
  }
  const columns = [...names].map((name) => ({ name }))
  const rows = (records as Record<string, Cell>[]).map((record) =>
    columns.map(({ name }) => record[name] ?? null),
  )
  return { columns, rows, text: false }
}

async function readParquet(path: string): Promise<Table> {
  await assertRegularFile(path)
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll('select * from read_parquet($path)', { path })
    const columns = reader.columnNames().map((name) => ({ name }))
    return { columns, rows: reader.getRowsJS().map((row) => row.map(plainCell)), text: false }
  } catch (error) {
    throw new CommandError(`${path} cannot be read as Parquet: ${(error as Error).message.split('\n')[0]}`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

function plainCell(value: unknown): Cell {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.toISOString()
  return value === undefined ? null : (value as Cell)
}
