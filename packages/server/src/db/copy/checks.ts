import type { Db } from '../database.ts'
import { listApplied, type Migrations } from '../migrate.ts'
import type { Source } from './source.ts'
import type { Table } from './table.ts'
import { listFilled, listTables } from './target.ts'
import { KINDS } from './values.ts'

/** The migrations that made the source: the target gets them, and at its next start those after them. */
export function appliedOf({ applied }: Source, known: Migrations, place: string): Migrations {
  if (applied.length === 0) throw new Error(`${place} was never used: there is nothing to copy`)
  const later = applied.filter((name) => !(name in known))
  if (later.length > 0)
    throw new Error(
      `${place} was written by a newer Millwright (schema ${later.at(-1)}); copy it with that version or a later one`,
    )
  return Object.fromEntries(applied.map((name) => [name, known[name]!]))
}

/** @throws Error unless the target is new, or has nothing but tables without rows that the source has, too */
export async function assertTakes(db: Db, source: Source, place: string): Promise<void> {
  const tables = await listTables(db)
  const foreign = tables.filter(({ name }) => !source.columns.has(name)).map(({ name }) => name)
  const applied = new Set(source.applied)
  const later = (await listApplied(db)).filter((name) => !applied.has(name))
  if (later.length > 0)
    throw new Error(
      `${place} has a newer schema (${later.at(-1)}) than the data folder (${source.applied.at(-1)}); take a new database, ` +
        'or start and stop millwright up on the folder, which brings it up to date',
    )
  if (foreign.length > 0)
    throw new Error(
      `${place} has tables of something else: ${foreign.join(', ')}; take a database of its own (createdb)`,
    )
  assertEmpty(await listFilled(db, tables), place)
}

export function assertEmpty(filled: readonly string[], place: string): void {
  if (filled.length > 0)
    throw new Error(
      `${place} is not empty: there are rows in ${filled.join(', ')}; take a new database (createdb)`,
    )
}

/** @throws Error when one side has what the other lacks, or what cannot be compared */
export function assertSameColumns(tables: readonly Table[], { columns }: Source): void {
  const listed = (entries: Iterable<readonly [string, readonly string[]]>): string[] =>
    [...entries].flatMap(([table, names]) => names.map((name) => `${table}.${name}`))
  const here = new Set(listed(columns))
  const there = new Set(listed(tables.map(({ name, columns }) => [name, columns.map(({ name }) => name)])))
  const apart = [...here.symmetricDifference(there)]
  if (apart.length > 0)
    throw new Error(`only one of the databases has ${apart.join(', ')}; nothing was copied`)
  const unknown = tables.flatMap(({ name, columns }) =>
    columns.filter(({ type }) => !(type in KINDS)).map((column) => `${name}.${column.name} (${column.type})`),
  )
  if (unknown.length > 0)
    throw new Error(`types of ${unknown.join(', ')} cannot be copied; nothing was copied`)
}
