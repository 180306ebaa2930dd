import type { Kysely } from 'kysely'

/** Experiments and models that a key is good for alone: JSON, a list; null: it names none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['experiments', 'models'])
    await db.schema.alterTable('api_keys').addColumn(column, 'text').execute()
}
