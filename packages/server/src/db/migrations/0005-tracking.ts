import { type CreateTableBuilder, type Kysely, SqliteAdapter, sql } from 'kysely'

/** Experiments, runs, and what is logged to them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createExperiments(db)
  await createRuns(db)
  await createMetrics(db)
  await createInputs(db)
  await createLoggedModels(db)
  await extendRegistry(db)
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
  for (const table of ['run_tags', 'params'])
    await clustered(db, db.schema.createTable(table))
      .addColumn('run', 'bigint', (c) => c.notNull().references('runs.id'))
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['run', 'key'])
      .execute()
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
}

/** What runs read and made. */
async function createInputs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('datasets')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('experiment', 'bigint', (c) => c.notNull().references('experiments.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('source_type', 'text', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('schema', 'text')
    .addColumn('profile', 'text')
    .addUniqueConstraint('datasets_digest', ['experiment', 'name', 'digest'])
    .execute()
  await clustered(db, db.schema.createTable('run_datasets'))
    .addColumn('run', 'bigint', (c) => c.notNull().references('runs.id'))
    .addColumn('dataset', 'bigint', (c) => c.notNull().references('datasets.id'))
    .addColumn('context', 'text')
    .addColumn('tags', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_datasets_pk', ['run', 'dataset'])
    .execute()
  await db.schema.createIndex('run_datasets_of').on('run_datasets').columns(['dataset', 'run']).execute()
  await clustered(db, db.schema.createTable('run_models'))
    .addColumn('run', 'bigint', (c) => c.notNull().references('runs.id'))
    .addColumn('model_id', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('step', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('run_models_pk', ['run', 'role', 'model_id'])
    .execute()
}

/** Models that runs made, and what was measured of them. */
async function createLoggedModels(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('logged_models')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('model_id', 'text', (c) => c.notNull().unique())
    .addColumn('experiment', 'bigint', (c) => c.notNull().references('experiments.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('artifact_uri', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('status_message', 'text')
    .addColumn('model_type', 'text', (c) => c.notNull())
    .addColumn('source_run_id', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('deleted_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('logged_models_newest')
    .on('logged_models')
    .columns(['experiment', 'created_at desc', 'model_id'])
    .execute()
  await db.schema
    .createIndex('logged_models_named')
    .on('logged_models')
    .columns(['experiment', 'name', 'created_at desc', 'model_id'])
    .execute()
  for (const table of ['logged_model_params', 'logged_model_tags'])
    await clustered(db, db.schema.createTable(table))
      .addColumn('logged_model', 'bigint', (c) => c.notNull().references('logged_models.id'))
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint(`${table}_pk`, ['logged_model', 'key'])
      .execute()
  await clustered(db, db.schema.createTable('logged_model_metrics'))
    .addColumn('logged_model', 'bigint', (c) => c.notNull().references('logged_models.id'))
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('dataset_name', 'text', (c) => c.notNull())
    .addColumn('dataset_digest', 'text', (c) => c.notNull())
    .addColumn('run_id', 'text', (c) => c.notNull())
    .addColumn('value', 'double precision', (c) => c.notNull())
    .addColumn('is_nan', 'integer', (c) => c.notNull())
    .addColumn('step', 'bigint', (c) => c.notNull())
    .addColumn('timestamp', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('logged_model_metrics_pk', [
      'logged_model',
      'key',
      'dataset_name',
      'dataset_digest',
      'run_id',
    ])
    .execute()
}

/** What MLflow's clients say of registered models and their versions. */
async function extendRegistry(db: Kysely<unknown>): Promise<void> {
  await addColumns(db, 'models', { description: 'text', updated_at: 'bigint' })
  await addColumns(db, 'versions', {
    ...{ source: 'text', storage: 'text', run_id: 'text', model_id: 'text', run_link: 'text' },
    ...{ description: 'text', stage: 'text', updated_at: 'bigint', deleted_at: 'bigint' },
  })
  await db.schema.createIndex('versions_storage').on('versions').columns(['storage']).execute()
  await clustered(db, db.schema.createTable('model_tags'))
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('model_tags_pk', ['model', 'key'])
    .execute()
  await clustered(db, db.schema.createTable('version_tags'))
    .addColumn('model', 'text', (c) => c.notNull())
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('version_tags_pk', ['model', 'number', 'key'])
    .execute()
}

async function addColumns(
  db: Kysely<unknown>,
  table: string,
  columns: Readonly<Record<string, 'text' | 'bigint'>>,
): Promise<void> {
  for (const [name, type] of Object.entries(columns))
    await db.schema.alterTable(table).addColumn(name, type).execute()
}
