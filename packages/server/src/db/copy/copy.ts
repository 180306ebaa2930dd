import { createHash } from 'node:crypto'
import type { CopiedTable, CopyProgress, CountedTable } from '@millwright/contracts/database-copy'
import { type DatabaseAddress, shownAddress } from '../address.ts'
import { connect, type Db } from '../database.ts'
import { MIGRATIONS, type Migrations, migrate } from '../migrate.ts'
import { appliedOf, assertEmpty, assertSameColumns, assertTakes } from './checks.ts'
import { openSource, type Source } from './source.ts'
import type { Table } from './table.ts'
import {
  analyze,
  insertRows,
  listFilled,
  listTables,
  lockTables,
  readRows,
  restartNumbers,
} from './target.ts'
import { lineOf, type Row } from './values.ts'

/**
 * Copies SQLite's file into an empty database of PostgreSQL, whole or not at all. Which tables and columns there are is
 * asked of the databases: the target gets the migrations that the source has, and what they make is what is copied. Then
 * all rows are read back, and digests of both sides compared, before anything is kept. The file is not changed.
 */

export type Copy = {
  /** Path of SQLite's file. */
  readonly from: string
  readonly to: DatabaseAddress
  /** Looks at both and counts, and changes nothing. */
  readonly isDryRun?: boolean
  readonly migrations?: Migrations
  readonly onProgress?: (progress: CopyProgress) => void
}

/** Both sides are not the same; nothing was kept. */
export class CopyDiffers extends Error {
  readonly tables: readonly CopiedTable[]
  constructor(tables: readonly CopiedTable[]) {
    const names = tables.filter(differs).map(({ table }) => table)
    super(`what was written is not what was read in ${names.join(', ')}; nothing was kept`)
    this.tables = tables
  }
}

export const differs = ({ source, target }: CopiedTable): boolean =>
  source.rows !== target.rows || source.digest !== target.digest

/** Of a batch, which is in memory. */
const BATCH_ROWS = 5_000
const BATCH_CHARACTERS = 4 * 1024 * 1024

/** @throws CopyDiffers, DatabaseUnavailable, Error when one of them is not as it must be; nothing was kept */
export async function copyDatabase(copy: Copy): Promise<readonly CopiedTable[]> {
  const source = openSource(copy.from)
  try {
    return await withTarget(copy, source, async (db, migrations) => {
      await migrate(db, migrations)
      return db.transaction().execute((tx) => copyAll(tx, source, copy))
    })
  } finally {
    source.close()
  }
}

/** What there is to copy, when it can be. @throws as `copyDatabase` */
export async function countDatabase(copy: Copy): Promise<readonly CountedTable[]> {
  const source = openSource(copy.from)
  try {
    return await withTarget(copy, source, async () =>
      [...source.columns.keys()].sort().map((table) => ({ table, rows: source.count(table) })),
    )
  } finally {
    source.close()
  }
}

async function withTarget<T>(
  { from, to, migrations: known = MIGRATIONS }: Copy,
  source: Source,
  act: (db: Db, migrations: Migrations) => Promise<T>,
): Promise<T> {
  const migrations = appliedOf(source, known, from)
  const db = await connect(to, { isPatient: true })
  try {
    await assertTakes(db, source, shownAddress(to))
    return await act(db, migrations)
  } finally {
    await db.destroy()
  }
}

async function copyAll(tx: Db, source: Source, { to, onProgress }: Copy): Promise<readonly CopiedTable[]> {
  const tables = await listTables(tx)
  assertSameColumns(tables, source)
  await lockTables(tx, tables)
  assertEmpty(await listFilled(tx, tables), shownAddress(to))
  const of = tables.reduce((sum, { name }) => sum + source.count(name), 0)
  const counting = (stage: CopyProgress['stage']) => {
    let rows = 0
    return (table: Table, more: number): void => {
      rows += more
      onProgress?.({ stage, table: table.name, rows, of })
    }
  }
  const [onCopied, onCompared] = [counting('copying'), counting('comparing')]
  const written = await eachOf(tables, (table) =>
    digestOf(writeRows(tx, source, table), (rows) => onCopied(table, rows)),
  )
  for (const table of tables) await restartNumbers(tx, table)
  const read = await eachOf(tables, (table) =>
    digestOf(readRows(tx, table), (rows) => onCompared(table, rows)),
  )
  const copied = tables
    .map(({ name }, at) => ({ table: name, source: written[at]!, target: read[at]! }))
    .sort((a, b) => (a.table < b.table ? -1 : 1))
  if (copied.some(differs)) throw new CopyDiffers(copied)
  await analyze(tx, tables)
  return copied
}

/** @throws Error that names the table */
async function eachOf<T>(tables: readonly Table[], act: (table: Table) => Promise<T>): Promise<readonly T[]> {
  const done: T[] = []
  for (const table of tables)
    done.push(
      await act(table).catch((cause: Error) => {
        throw new Error(`table ${table.name}: ${cause.message}; nothing was kept`, { cause })
      }),
    )
  return done
}

async function* writeRows(tx: Db, source: Source, table: Table): AsyncGenerator<readonly Row[]> {
  for (const rows of batchesOf(source.rows(table))) {
    await insertRows(tx, table, rows)
    yield rows
  }
}

function* batchesOf(rows: Iterable<Row>): Generator<readonly Row[]> {
  let batch: Row[] = []
  let characters = 0
  for (const row of rows) {
    batch.push(row)
    for (const value of row) characters += value?.length ?? 0
    if (batch.length < BATCH_ROWS && characters < BATCH_CHARACTERS) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}

async function digestOf(
  batches: AsyncIterable<readonly Row[]>,
  onRows: (rows: number) => void,
): Promise<CopiedTable['source']> {
  const hash = createHash('sha256')
  let rows = 0
  for await (const batch of batches) {
    hash.update(batch.map(lineOf).join(''))
    rows += batch.length
    onRows(batch.length)
  }
  return { rows, digest: hash.digest('hex') }
}
