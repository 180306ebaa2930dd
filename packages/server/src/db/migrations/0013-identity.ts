import type { Kysely } from 'kysely'

/** By what a store of objects knows whose files it has, and what is still to be removed there. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity')
    .addColumn('only', 'integer', (c) => c.primaryKey().notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('purged_files')
    .addColumn('name', 'text', (c) => c.primaryKey().notNull())
    .addColumn('uri', 'text', (c) => c.notNull())
    .execute()
}
