import type { Kysely } from 'kysely'

/** Answers computed before anyone asked, of each deployment that has some. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('precomputed')
    .addColumn('deployment', 'text', (c) => c.primaryKey())
    .addColumn('generation', 'integer', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('version_label', 'text', (c) => c.notNull())
    .addColumn('decision', 'text')
    .addColumn('key_column', 'text', (c) => c.notNull())
    .addColumn('answers', 'text', (c) => c.notNull())
    .addColumn('key_index', 'text', (c) => c.notNull())
    .addColumn('keys', 'bigint', (c) => c.notNull())
    .addColumn('replaced', 'bigint', (c) => c.notNull())
    .addColumn('computed_at', 'bigint', (c) => c.notNull())
    .addColumn('max_age', 'real')
    .addColumn('created_by', 'text', (c) => c.notNull())
    .execute()
}
