import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api'
import type { Cell } from '@millwright/engine'
import { CommandError } from '../command.ts'
import type { OutputColumn, Values } from './scorer.ts'
import type { Order, Piece } from './worker-protocol.ts'

/** Everything of a batch that needs DuckDB. Loaded when a file is Parquet only: it is 90 MB. */

/** What DuckDB may hold beside the rows it is writing. */
const MEMORY_LIMIT = '1GB'
/** Rows that are handed to a thread at a time. */
const PIECE_ROWS = 16_384
/** Rows of a DuckDB chunk. */
const CHUNK_ROWS = 2048

export type Database = {
  readonly connection: DuckDBConnection
  /** For rows that are still being read while others are written: a further query on a connection ends them. */
  readonly reading: DuckDBConnection
  close(): void
}

/** DuckDB in memory, which may spill into a folder. */
export async function openDatabase(folder: string): Promise<Database> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    temp_directory: folder,
  })
  const [connection, reading] = [await instance.connect(), await instance.connect()]
  return {
    connection,
    reading,
    close() {
      reading.closeSync()
      connection.closeSync()
      instance.closeSync()
    },
  }
}

export type ParquetColumn = { readonly name: string; readonly type: DuckDBType }
export type ParquetFile = {
  readonly path: string
  readonly rows: number
  readonly columns: readonly ParquetColumn[]
}

/** @throws CommandError when it is not Parquet */
export async function describeParquet({ connection }: Database, path: string): Promise<ParquetFile> {
  try {
    const result = await connection.run('select * from read_parquet($path) limit 0', { path })
    const types = result.columnTypes()
    const counted = await connection.runAndReadAll('select count(*)::double from read_parquet($path)', {
      path,
    })
    return {
      path,
      rows: counted.getRows()[0]![0] as number,
      columns: result.columnNames().map((name, i) => ({ name, type: types[i]! })),
    }
  } catch (error) {
    throw new CommandError(`${path} cannot be read as Parquet: ${firstLine(error)}`)
  }
}

export const firstLine = (error: unknown): string => (error as Error).message.split('\n')[0]!

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const NUMBERS: ReadonlySet<DuckDBTypeId> = new Set([
  ...[DuckDBTypeId.TINYINT, DuckDBTypeId.SMALLINT, DuckDBTypeId.INTEGER, DuckDBTypeId.BIGINT],
  ...[DuckDBTypeId.UTINYINT, DuckDBTypeId.USMALLINT, DuckDBTypeId.UINTEGER, DuckDBTypeId.UBIGINT],
  ...[DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT],
  ...[DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL],
])
const NESTED: ReadonlySet<DuckDBTypeId> = new Set([
  ...[DuckDBTypeId.LIST, DuckDBTypeId.ARRAY, DuckDBTypeId.STRUCT, DuckDBTypeId.MAP],
])

/** A column as models read it: a number, true or false, or text; lists and objects are JSON text. */
function readable({ name, type: { typeId } }: ParquetColumn): string {
  if (NUMBERS.has(typeId)) return `${quoted(name)}::double`
  if (typeId === DuckDBTypeId.BOOLEAN) return quoted(name)
  return NESTED.has(typeId) ? `to_json(${quoted(name)})::varchar` : `${quoted(name)}::varchar`
}

/** Rows of a Parquet file from one on, in pieces of some columns. */
export async function* piecesOfParquet(
  { reading }: Database,
  { path, rows }: ParquetFile,
  columns: readonly ParquetColumn[],
  from: number,
): AsyncGenerator<{ readonly order: Order; readonly next: number }> {
  const result = await reading.stream(
    `select ${[...columns.map(readable), 'file_row_number'].join(', ')}
     from read_parquet($path, file_row_number = true) where file_row_number >= $from`,
    { path, from },
  )
  let next = from
  let isOver = next >= rows
  while (!isOver) {
    const piece = columns.map(({ type }) => createColumn(NUMBERS.has(type.typeId)))
    let count = 0
    while (!isOver && count + CHUNK_ROWS <= PIECE_ROWS) {
      const chunk = await result.fetchChunk()
      isOver = chunk === null || chunk.rowCount === 0
      if (chunk === null || isOver) continue
      if (chunk.getColumnVector(columns.length).getItem(0) !== BigInt(next + count))
        throw new Error(`${path}: DuckDB gave rows in another order than the file's`)
      for (const [i, column] of piece.entries()) column.add(chunk, i, count)
      count += chunk.rowCount
    }
    if (count === 0) break
    next += count
    yield { order: { rows: count, columns: piece.map(({ values }) => values(count)) }, next }
  }
  if (next !== rows) throw new Error(`${path} has ${rows} rows, and DuckDB gave ${next}`)
}

/** Values of one column, gathered from chunks. A number that is missing is NaN. */
function createColumn(isNumber: boolean) {
  if (!isNumber) {
    const values: DuckDBValue[] = []
    return {
      add: (chunk: DuckDBDataChunk, column: number) => void values.push(...chunk.getColumnValues(column)),
      values: () => values,
    }
  }
  const numbers = new Float64Array(PIECE_ROWS)
  return {
    add: (chunk: DuckDBDataChunk, column: number, start: number) =>
      chunk.visitColumnValues(column, (value, row) => {
        numbers[start + row] = value === null ? Number.NaN : (value as number)
      }),
    values: (count: number) => (count === PIECE_ROWS ? numbers : numbers.slice(0, count)),
  }
}

/** The column of the results that says a row was rejected: 1, else 0. */
export const REJECTED = '#rejected'

/** Answers on their way to the file, in numbered parts beside it, one row for each of the input. */
export type Results = {
  append(piece: Piece): void
  /** Puts what was appended on the disk as one more part. @returns the number of parts */
  sync(): Promise<number>
}

export const partPath = (folder: string, part: number): string => join(folder, `part-${part}.parquet`)

export async function openResults(
  { connection }: Database,
  { folder, outputs, parts }: { folder: string; outputs: readonly OutputColumn[]; parts: number },
): Promise<Results> {
  const types = [DOUBLE, ...outputs.map(({ type }) => (isNumeric(type) ? DOUBLE : VARCHAR))]
  const names = [REJECTED, ...outputs.map(({ name }) => name)]
  const columns = names.map((name, i) => `${quoted(name)} ${types[i]!}`).join(', ')
  const begin = async () => {
    await connection.run(`create or replace temp table results (${columns})`)
    return connection.createAppender('results', null, 'temp')
  }
  let appender = await begin()
  let written = parts
  let waiting = 0
  return {
    append(piece) {
      const table = tableOf(piece)
      for (let start = 0; start < piece.rows; start += CHUNK_ROWS) {
        const rows = Math.min(CHUNK_ROWS, piece.rows - start)
        const chunk = DuckDBDataChunk.create(types, rows)
        for (const [i, column] of table.entries())
          chunk.setColumnValues(i, Array.from(column.slice(start, start + rows)))
        appender.appendDataChunk(chunk)
      }
      waiting += piece.rows
    },
    async sync() {
      if (waiting === 0 && written > 0) return written
      appender.closeSync()
      const path = partPath(folder, written)
      await connection.run('copy results to $path (format parquet)', { path })
      await syncFile(path)
      appender = await begin()
      waiting = 0
      written += 1
      return written
    },
  }
}

const isNumeric = (type: OutputColumn['type']): boolean => type === 'number' || type === 'integer'

/** The results of a piece by column, with nothing where a row was rejected. */
function tableOf({ rows, good, values, rejects }: Piece): Values[] {
  const rejected = new Float64Array(rows)
  for (const { index } of rejects) rejected[index] = 1
  return [rejected, ...values.map((column) => spread(column, good, rows))]
}

function spread(values: Values, good: readonly number[], rows: number): Values {
  const all =
    values instanceof Float64Array ? values : values.map((value) => (value === null ? null : String(value)))
  if (good.length === rows) return all
  const column = all instanceof Float64Array ? new Float64Array(rows) : new Array<Cell>(rows).fill(null)
  for (const [at, index] of good.entries()) column[index] = all[at]!
  return column
}

export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
