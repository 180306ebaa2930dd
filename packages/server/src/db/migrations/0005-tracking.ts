import { type CreateTableBuilder, type Kysely, SqliteAdapter, sql } from 'kysely'

/** Experiments, runs, and what is logged to them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createExperiments(db)
  await createRuns(db)
  await createMetrics(db)
}

const isSqlite = (db: Kysely<unknown>): boolean => db.getExecutor().adapter instanceof SqliteAdapter

/** Keys and values of something: where rows are few columns, SQLite keeps them in the index alone. */
const clustered = <T extends string, C extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<T, C>,
): CreateTableBuilder<T, C> => (isSqlite(db) ? table.modifyEnd(sql`without rowid`) : table)

async function createExperiments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('experiments')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('artifact_location', 'text', (c) => c.notNull())
    .addColumn('lifecycle', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute()
  await clustered(db, db.schema.createTable('experiment_tags'))
    .addColumn('experiment', 'bigint', (c) => c.notNull().references('experiments.id'))
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('experiment_tags_pk', ['experiment', 'key'])
    .execute()
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('run_id', 'text', (c) => c.notNull().unique())
    .addColumn('experiment', 'bigint', (c) => c.notNull().references('experiments.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('user_id', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('start_time', 'bigint', (c) => c.notNull())
    .addColumn('end_time', 'bigint')
    .addColumn('lifecycle', 'text', (c) => c.notNull())
    .addColumn('deleted_at', 'bigint')
    .addColumn('artifact_uri', 'text', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('runs_newest')
    .on('runs')
    .columns(['experiment', 'lifecycle', 'start_time desc', 'run_id'])
    .execute()
  for (const [table, index] of [
    ['run_tags', 'run_tags_by_value'],
    ['params', 'params_by_value'],
  ] as const) {
    await clustered(db, db.schema.createTable(table))
      .addColumn('run', 'bigint', (c) => c.notNull().references('runs.id'))
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['run', 'key'])
      .execute()
    await db.schema.createIndex(index).on(table).columns(['key', 'run']).execute()
  }
}

/** A value that is NaN is stored as 0 and `is_nan`: SQLite has no NaN. */
async function createMetrics(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('metric_keys')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .execute()
  await clustered(db, db.schema.createTable('metrics'))
    .addColumn('run', 'bigint', (c) => c.notNull())
    .addColumn('key', 'bigint', (c) => c.notNull())
    .addColumn('timestamp', 'bigint', (c) => c.notNull())
    .addColumn('step', 'bigint', (c) => c.notNull())
    .addColumn('value', 'double precision', (c) => c.notNull())
    .addColumn('is_nan', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('metrics_pk', ['run', 'key', 'timestamp', 'step', 'value', 'is_nan'])
    .execute()
  await clustered(db, db.schema.createTable('latest_metrics'))
    .addColumn('run', 'bigint', (c) => c.notNull())
    .addColumn('key', 'bigint', (c) => c.notNull())
    .addColumn('value', 'double precision', (c) => c.notNull())
    .addColumn('is_nan', 'integer', (c) => c.notNull())
    .addColumn('step', 'bigint', (c) => c.notNull())
    .addColumn('timestamp', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('latest_metrics_pk', ['run', 'key'])
    .execute()
  await db.schema
    .createIndex('latest_metrics_by_value')
    .on('latest_metrics')
    .columns(['key', 'is_nan', 'value', 'run'])
    .execute()
}
