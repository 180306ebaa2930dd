import type { Kysely } from 'kysely'

/** What a version must meet before an alias is moved to it, and who approved which. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('promotion_rules')
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('alias', 'text', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    .addColumn('rules', 'text', (c) => c.notNull())
    .addColumn('changed_by', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('promotion_rules_pk', ['model', 'alias', 'revision'])
    .execute()
  await db.schema
    .createTable('approvals')
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('approved_by', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('approved_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('approvals_pk', ['model', 'version', 'approved_by'])
    .execute()
}
