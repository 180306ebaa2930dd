import type { Kysely } from 'kysely'

/** The largest number that versions of a model had where it was imported from, deleted ones among them; null: it was not. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('models').addColumn('last_number', 'integer').execute()
}
