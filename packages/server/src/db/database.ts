import { Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { up as createRegistry } from './migrations/0001-registry.ts'
import { up as addParts } from './migrations/0002-parts.ts'
import { up as addKeys } from './migrations/0003-keys.ts'
import { up as addPrecomputed } from './migrations/0004-precomputed.ts'
import { up as addTracking } from './migrations/0005-tracking.ts'
import { up as addArtifacts } from './migrations/0006-artifacts.ts'
import { up as addPromotion } from './migrations/0007-promotion.ts'
import { sqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** The database, or a transaction of it. */
export type Db = Kysely<Tables>

/** Forward only, in the order of their names; a name is never changed once released. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-registry': { up: createRegistry },
  '0002-parts': { up: addParts },
  '0003-keys': { up: addKeys },
  '0004-precomputed': { up: addPrecomputed },
  '0005-tracking': { up: addTracking },
  '0006-artifacts': { up: addArtifacts },
  '0007-promotion': { up: addPromotion },
}

/**
 * Opens the database file and brings its schema up to date.
 * @throws Error when the file was written by a newer program
 */
export async function openDatabase(path: string): Promise<Db> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(path) })
  try {
    await assertNotNewer(db)
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: async () => MIGRATIONS },
    }).migrateToLatest()
    if (error !== undefined) throw error
    return db
  } catch (error) {
    await db.destroy()
    throw error
  }
}

async function assertNotNewer(db: Db): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return
  const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  const unknown = applied.rows.map((row) => row.name).filter((name) => !(name in MIGRATIONS))
  if (unknown.length === 0) return
  throw new Error(
    `the data folder was written by a newer Millwright (schema ${unknown.at(-1)}, this one knows ` +
      `${Object.keys(MIGRATIONS).at(-1)}); start that version or a later one, or restore a backup`,
  )
}
