import type { Kysely } from 'kysely'

/** Which programs go on with what later migrations make: those that know `readable_from`, and all after it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('migration_readers')
    .addColumn('migration', 'text', (c) => c.primaryKey())
    .addColumn('readable_from', 'text', (c) => c.notNull())
    .execute()
}
