import type { Kysely } from 'kysely'

/** Models of several files. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('versions').addColumn('parts', 'text').execute()
}
