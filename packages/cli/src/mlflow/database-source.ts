import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { CommandError } from '../command.ts'
import { filesBelow, localFolder } from './local-files.ts'
import {
  type Foreign,
  metricValue,
  type RegisteredModel,
  type Source,
  type SourceMetric,
  type Tag,
} from './source.ts'

type Select = (sql: string, ...values: SQLInputValue[]) => Foreign[]

/** Rows of metrics read at once. */
const STRIDE = 5000
const FOLDERS = ['artifacts', 'mlartifacts', 'mlruns']

/** An MLflow server's SQLite file. @param artifacts folder of its files; default: one of the usual names beside the database */
export function databaseSource(path: string, artifacts: string | undefined): Source {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = new Set(
    db
      .prepare("select name from sqlite_master where type = 'table'")
      .all()
      .map(({ name }) => name),
  )
  if (!tables.has('experiments') || !tables.has('runs')) {
    db.close()
    throw new CommandError(`${path} is no database of an MLflow server`, [
      'name its mlflow.db, its mlruns folder or its address',
    ])
  }
  // What an older server has no table for, it has none of.
  const select: Select = (sql, ...values) => {
    const from = /from (\w+)/.exec(sql)![1]!
    return tables.has(from) ? (db.prepare(sql).all(...values) as Foreign[]) : []
  }
  const beside = FOLDERS.map((name) => join(dirname(path), name)).filter((folder) => existsSync(folder))
  const folders = artifacts === undefined ? beside : [artifacts]
  return {
    name: path,
    experiments: async function* () {
      for (const row of select('select * from experiments order by experiment_id'))
        yield {
          id: String(row.experiment_id),
          row: {
            ...{ type: 'experiment', name: row.name, lifecycle: row.lifecycle_stage },
            ...{ created_at: row.creation_time ?? 0, updated_at: row.last_update_time ?? 0 },
            tags: tagsOf(
              select('select * from experiment_tags where experiment_id = ? order by key', row.experiment_id),
            ),
          },
        }
    },
    runs: async function* (experiment) {
      // In pieces: a server may have very many.
      for (let after = ''; ; ) {
        const rows = select(
          'select * from runs where experiment_id = ? and run_uuid > ? order by run_uuid limit 200',
          Number(experiment),
          after,
        )
        for (const row of rows) yield { row: runOf(select, row, experiment), artifactUri: row.artifact_uri }
        if (rows.length < 200) return
        after = rows.at(-1)!.run_uuid
      }
    },
    metrics: async function* ({ row: { run_id } }) {
      const rows = db
        .prepare(
          'select key, value, timestamp, step, is_nan from metrics where run_uuid = ? order by key, timestamp, step',
        )
        .iterate(run_id) as Iterable<Foreign>
      let stretch: SourceMetric[] = []
      for (const { key, value, timestamp, step, is_nan } of rows) {
        stretch.push([key, is_nan ? 'NaN' : metricValue(value), timestamp, step])
        if (stretch.length < STRIDE) continue
        yield stretch
        stretch = []
      }
      if (stretch.length > 0) yield stretch
    },
    ...modelsOf(select),
    files: (uri) => filesBelow(localFolder(uri, folders)),
    close: () => db.close(),
  }
}

const modelsOf = (select: Select): Pick<Source, 'loggedModels' | 'registeredModels' | 'versions'> => ({
  loggedModels: async function* (experiment) {
    const rows = select(
      "select * from logged_models where experiment_id = ? and lifecycle_stage = 'active' order by model_id",
      Number(experiment),
    )
    for (const row of rows)
      yield { row: loggedModelOf(select, row, experiment), artifactUri: row.artifact_location }
  },
  registeredModels: async function* () {
    for (const row of select('select * from registered_models order by name')) yield registeredOf(select, row)
  },
  versions: async function* (model) {
    const rows = select(
      "select * from model_versions where name = ? and current_stage <> 'Deleted_Internal' order by version",
      model,
    )
    for (const row of rows)
      yield {
        ...{ model, storage: row.storage_location ?? row.source },
        version: versionOf(select, row),
      }
  },
})

const tagsOf = (rows: readonly Foreign[]): Tag[] =>
  rows.map(({ key, value }) => ({ key, value: value ?? '' }))

function runOf(select: Select, row: Foreign, experiment: string) {
  const id = row.run_uuid as string
  const uses = (source: string, destination: string) =>
    select(
      'select destination_id as model_id, step from inputs where source_type = ? and source_id = ? and destination_type = ?',
      ...[source, id, destination],
    ).map(({ model_id, step }) => ({ model_id, step: step ?? 0 }))
  return {
    ...{ type: 'run' as const, run_id: id, experiment_id: experiment, name: row.name ?? '' },
    ...{ user_id: row.user_id ?? '', status: row.status },
    ...{ start_time: row.start_time ?? 0, end_time: row.end_time ?? null },
    ...{ lifecycle: row.lifecycle_stage, deleted_at: row.deleted_time ?? null },
    tags: tagsOf(select('select key, value from tags where run_uuid = ? order by key', id)),
    params: tagsOf(select('select key, value from params where run_uuid = ? order by key', id)),
    datasets: datasetsOf(select, id),
    models_in: uses('RUN_INPUT', 'MODEL_INPUT'),
    models_out: uses('RUN_OUTPUT', 'MODEL_OUTPUT'),
  } as never
}

const datasetsOf = (select: Select, run: string) =>
  select(
    `select input_uuid, name, digest, dataset_source_type, dataset_source, dataset_schema, dataset_profile
      from inputs join datasets on datasets.dataset_uuid = inputs.source_id
      where inputs.source_type = 'DATASET' and inputs.destination_type = 'RUN' and inputs.destination_id = ? order by name`,
    run,
  ).map((row) => ({
    dataset: {
      ...{
        name: row.name,
        digest: row.digest,
        source_type: row.dataset_source_type,
        source: row.dataset_source,
      },
      ...{ schema: row.dataset_schema, profile: row.dataset_profile },
    },
    tags: select('select name, value from input_tags where input_uuid = ? order by name', row.input_uuid).map(
      ({ name, value }) => ({ key: name, value }),
    ),
  }))

const MODEL_STATUS = [
  'UNSPECIFIED',
  'LOGGED_MODEL_PENDING',
  'LOGGED_MODEL_READY',
  'LOGGED_MODEL_UPLOAD_FAILED',
]

function loggedModelOf(select: Select, row: Foreign, experiment: string) {
  const id = row.model_id as string
  const keyed = (table: string, column: string): Tag[] =>
    select(
      `select ${column}_key as key, ${column}_value as value from ${table} where model_id = ? order by 1`,
      id,
    )
  return {
    ...{ type: 'logged_model' as const, model_id: id, experiment_id: experiment, name: row.name },
    ...{ model_type: row.model_type ?? '', status: MODEL_STATUS[row.status] },
    ...{ status_message: row.status_message ?? null, source_run_id: row.source_run_id || null },
    ...{ created_at: row.creation_timestamp_ms, updated_at: row.last_updated_timestamp_ms },
    tags: keyed('logged_model_tags', 'tag'),
    params: keyed('logged_model_params', 'param'),
    metrics: select('select * from logged_model_metrics where model_id = ?', id).map((metric) => ({
      ...{ key: metric.metric_name, value: metricValue(metric.metric_value ?? Number.NaN) },
      ...{ timestamp: metric.metric_timestamp_ms, step: metric.metric_step, run_id: metric.run_id },
      ...{
        dataset_name: metric.dataset_name ?? undefined,
        dataset_digest: metric.dataset_digest ?? undefined,
      },
    })),
  } as never
}

function registeredOf(select: Select, row: Foreign): RegisteredModel {
  const model = row.name as string
  return {
    row: {
      ...{ type: 'registered_model', name: model, description: row.description ?? null },
      ...{ created_at: row.creation_time ?? 0, updated_at: row.last_updated_time ?? row.creation_time ?? 0 },
      tags: tagsOf(select('select key, value from registered_model_tags where name = ? order by key', model)),
    },
    lastNumber: select('select max(version) as last from model_versions where name = ?', model)[0]?.last ?? 0,
    aliases: select(
      'select alias, version from registered_model_aliases where name = ? order by alias',
      model,
    ).map(({ alias, version }) => ({ type: 'alias', model, alias, version: Number(version) })),
  }
}

function versionOf(select: Select, row: Foreign) {
  const [name, version] = [row.name as string, row.version as number]
  return {
    ...{ number: version, source: row.source ?? '', run_id: row.run_id || null },
    ...{ model_id: /^models:\/(m-[0-9a-f]+)$/.exec(row.source ?? '')?.[1] ?? null },
    ...{ run_link: row.run_link ?? '', description: row.description ?? '', user_id: row.user_id ?? '' },
    ...{ stage: row.current_stage ?? 'None', created_at: row.creation_time ?? 0 },
    updated_at: row.last_updated_time ?? row.creation_time ?? 0,
    tags: tagsOf(
      select(
        'select key, value from model_version_tags where name = ? and version = ? order by key',
        name,
        version,
      ),
    ),
  } as never
}
