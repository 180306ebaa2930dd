import { Kysely } from 'kysely'
import { type DatabaseAddress, isPostgres } from './address.ts'
import { listApplied, MIGRATIONS, type Migrations, migrate } from './migrate.ts'
import { sqliteDialect } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** The database, or a transaction of it. */
export type Db = Kysely<Tables>

/**
 * Opens a database and brings its schema up to date.
 * @throws Error when it was written by a program so new that this one cannot go on with it; DatabaseUnavailable
 */
export async function openDatabase(
  address: DatabaseAddress,
  migrations: Migrations = MIGRATIONS,
): Promise<Db> {
  const db = await connect(address, { isPatient: true })
  try {
    await migrate(db, migrations)
    if (!isPostgres(address)) return db
  } catch (error) {
    await db.destroy()
    throw error
  }
  await db.destroy()
  return connect(address)
}

/** Whether nothing was ever written to a PostgreSQL database. @throws DatabaseUnavailable */
export async function isNewDatabase(address: DatabaseAddress): Promise<boolean> {
  const db = await connect(address)
  try {
    return (await listApplied(db)).length === 0
  } finally {
    await db.destroy()
  }
}

/** Without looking at its schema. @param isPatient for what may take long: no statement is given up */
export async function connect(address: DatabaseAddress, { isPatient = false } = {}): Promise<Db> {
  if (!isPostgres(address)) return new Kysely<Tables>({ dialect: sqliteDialect(address) })
  const { postgresDialect } = await import('./postgres.ts')
  return new Kysely<Tables>({ dialect: await postgresDialect(address, isPatient) })
}
