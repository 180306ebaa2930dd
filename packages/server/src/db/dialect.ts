import { type Kysely, type RawBuilder, SqliteAdapter, sql } from 'kysely'
import { assertStorable } from './text.ts'

/** PostgreSQL where it is not. */
// biome-ignore lint/suspicious/noExplicitAny: a migration knows no tables, everybody else does
export const isSqlite = (db: Kysely<any>): boolean => db.getExecutor().adapter instanceof SqliteAdapter

/**
 * Numbers to look among, `where('run', 'in', numbers(db, ids))`: one value however many there are, so that the statement
 * stays the same and no limit of values is met.
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever the tables are
export const numbers = (db: Kysely<any>, ids: readonly number[]): RawBuilder<number> =>
  isSqlite(db)
    ? sql<number>`(select value from json_each(${JSON.stringify(ids)}))`
    : sql<number>`(select unnest(${ids}::bigint[]))`

/** The same for texts. */
export function texts(inSqlite: boolean, values: readonly string[]): RawBuilder<string> {
  assertStorable(values)
  return inSqlite
    ? sql<string>`(select value from json_each(${JSON.stringify(values)}))`
    : sql<string>`(select unnest(${values}::text[]))`
}
