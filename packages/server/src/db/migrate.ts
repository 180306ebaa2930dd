import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { up as createRegistry } from './migrations/0001-registry.ts'
import { up as addParts } from './migrations/0002-parts.ts'
import { up as addKeys } from './migrations/0003-keys.ts'
import { up as addPrecomputed } from './migrations/0004-precomputed.ts'
import { up as addTracking } from './migrations/0005-tracking.ts'
import { up as addArtifacts } from './migrations/0006-artifacts.ts'
import { up as addPromotion } from './migrations/0007-promotion.ts'
import { up as addReaders } from './migrations/0008-readers.ts'
import { up as addWebhooks } from './migrations/0009-webhooks.ts'
import { up as addKeyBounds } from './migrations/0010-key-bounds.ts'
import { up as addSavedSearches } from './migrations/0011-saved-searches.ts'
import { up as addValueIndexes } from './migrations/0012-value-indexes.ts'
import { up as addIdentity } from './migrations/0013-identity.ts'
import { up as addLastNumbers } from './migrations/0014-last-numbers.ts'
import type { Tables } from './tables.ts'

type Migration = {
  readonly up: (db: Kysely<unknown>) => Promise<void>
  /**
   * The first migration whose program can go on with what this one makes: for one that only adds tables, indexes and
   * columns that may be empty, the one before it. Without it, programs that do not know this one refuse the database.
   */
  readonly readableFrom?: string
}
export type Migrations = Readonly<Record<string, Migration>>

/** Forward only, in the order of their names; a name is never changed once released. */
export const MIGRATIONS: Migrations = {
  '0001-registry': { up: createRegistry },
  '0002-parts': { up: addParts },
  '0003-keys': { up: addKeys },
  '0004-precomputed': { up: addPrecomputed },
  '0005-tracking': { up: addTracking },
  '0006-artifacts': { up: addArtifacts },
  '0007-promotion': { up: addPromotion },
  '0008-readers': { up: addReaders },
  '0009-webhooks': { up: addWebhooks, readableFrom: '0008-readers' },
  // A program before it would take a key for one experiment as one for all.
  '0010-key-bounds': { up: addKeyBounds },
  '0011-saved-searches': { up: addSavedSearches, readableFrom: '0010-key-bounds' },
  '0012-value-indexes': { up: addValueIndexes, readableFrom: '0011-saved-searches' },
  '0013-identity': { up: addIdentity, readableFrom: '0012-value-indexes' },
  '0014-last-numbers': { up: addLastNumbers, readableFrom: '0013-identity' },
}

/**
 * Brings the schema up to date; several processes may do so at once. A schema of a newer program is left as it is.
 * @throws Error when this program cannot go on with it
 */
export async function migrate(db: Kysely<Tables>, migrations: Migrations): Promise<void> {
  const later = (await listApplied(db)).filter((name) => !(name in migrations))
  if (later.length > 0) return assertReadable(db, migrations, later)
  const { error } = await new Migrator({ db, provider: { getMigrations: async () => noting(migrations) } })
    .migrateToLatest()
    .catch((error: unknown) => ({ error }))
  if (error !== undefined) throw error
}

/** None: the database is new. */
export async function listApplied(db: Kysely<Tables>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(({ name }) => name)
}

/** Each leaves word, together with what it makes, of who can read it. */
const noting = (migrations: Migrations) =>
  Object.fromEntries(
    Object.entries(migrations).map(([migration, { up, readableFrom }]) => [
      migration,
      {
        async up(db: Kysely<Tables>) {
          await up(db as Kysely<unknown>)
          if (readableFrom !== undefined)
            await db
              .insertInto('migration_readers')
              .values({ migration, readable_from: readableFrom })
              .execute()
        },
      },
    ]),
  )

async function assertReadable(
  db: Kysely<Tables>,
  migrations: Migrations,
  later: readonly string[],
): Promise<void> {
  const last = Object.keys(migrations).at(-1)!
  const applied = new Set(await listApplied(db))
  const isWhole = Object.keys(migrations).every((name) => applied.has(name))
  const readers = isWhole ? await db.selectFrom('migration_readers').selectAll().execute() : []
  const from = new Map(readers.map((row) => [row.migration, row.readable_from]))
  const unreadable = later.filter((name) => (from.get(name) ?? name) > last)
  if (isWhole && unreadable.length === 0) return
  throw new Error(
    `the database was written by a newer Millwright (schema ${later.at(-1)}, this one knows ${last}); ` +
      'start that version or a later one, or restore a backup',
  )
}
