import { CompiledQuery, type QueryResult } from 'kysely'
import type { Db } from './database.ts'
import { isSqlite } from './dialect.ts'

/** SQL of a hot path, written once: building it anew costs more than running it. */
export type Statement = { readonly sqlite: string; readonly postgres: string }

const names = new Map<string, string>()

/**
 * Columns are named: PostgreSQL refuses what it planned when `*` means another row, as after the migration of a later version.
 * @param sqlite with `?` for its values @param postgres where it is not the same
 * @throws RangeError for `*`
 */
export function statement(sqlite: string, postgres = numbered(sqlite)): Statement {
  if (postgres.includes('*')) throw new RangeError(`columns must be named: ${postgres}`)
  names.set(postgres, `millwright_${names.size}`)
  return { sqlite, postgres }
}

function numbered(text: string): string {
  let count = 0
  return text.replaceAll('?', () => `$${++count}`)
}

/** What PostgreSQL is to keep it by, so that it is planned once a connection; undefined: it is no text of a hot path. */
export const preparedName = (text: string): string | undefined => names.get(text)

export const run = <R>(
  db: Db,
  { sqlite, postgres }: Statement,
  values: readonly unknown[],
): Promise<QueryResult<R>> =>
  db.executeQuery<R>(CompiledQuery.raw(isSqlite(db) ? sqlite : postgres, [...values]))

/** Asks for rows as lists of their columns. */
export type ForLists = CompiledQuery & { readonly asLists?: boolean }

/** The same, with each row as a list of its columns: of many rows, half of what objects cost on SQLite. */
export async function runForLists<R extends readonly unknown[]>(
  db: Db,
  { sqlite, postgres }: Statement,
  values: readonly unknown[],
): Promise<readonly R[]> {
  if (!isSqlite(db)) {
    const { rows } = await db.executeQuery<object>(CompiledQuery.raw(postgres, [...values]))
    return rows.map((row) => Object.values(row) as unknown as R)
  }
  const query: ForLists = { ...CompiledQuery.raw(sqlite, [...values]), asLists: true }
  return (await db.executeQuery(query)).rows as unknown as readonly R[]
}

/** Rows to be inserted, and what becomes of those that are there: `on conflict …`. */
export type Insert = {
  readonly into: string
  readonly columns: readonly string[]
  readonly onConflict: string
}

/** Rows in one statement: few sizes, so that each is prepared once. */
const SIZES = [100, 10, 1]

export async function insertAll(
  db: Db,
  insert: Insert,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  let from = 0
  for (const size of SIZES)
    for (; rows.length - from >= size; from += size)
      await run(db, statementOf(insert, size), rows.slice(from, from + size).flat())
}

/** By table and number of rows: a table is filled in one way only. */
const prepared = new Map<string, Statement>()

function statementOf({ into, columns, onConflict }: Insert, rows: number): Statement {
  const key = `${rows} ${into}`
  const kept = prepared.get(key)
  if (kept !== undefined) return kept
  const row = `(${columns.map(() => '?').join(', ')})`
  const values = Array.from({ length: rows }, () => row).join(', ')
  const made = statement(`insert into ${into} (${columns.join(', ')}) values ${values} ${onConflict}`)
  prepared.set(key, made)
  return made
}
