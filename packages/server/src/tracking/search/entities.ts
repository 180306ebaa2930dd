import { type RawBuilder, sql } from 'kysely'
import { EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, REGISTERED_MODELS, RUNS } from '../filter/entities.ts'
import type { Column, Keyed, Searched } from './searched.ts'

/** `{ attribute: 'column' }`, or `'column?'` where it may be null. */
const columnsOf = (table: string, names: Readonly<Record<string, string>>): Record<string, Column> =>
  Object.fromEntries(
    Object.entries(names).map(([attribute, name]) => {
      const isNullable = name.endsWith('?')
      return [attribute, { value: sql.ref(`${table}.${isNullable ? name.slice(0, -1) : name}`), isNullable }]
    }),
  )

/** Whose columns equal those of `table`: `{ run: 'runs.id' }`. */
const belongsTo =
  (columns: Readonly<Record<string, string>>) =>
  (alias: string): RawBuilder<unknown> =>
    sql.join(
      Object.entries(columns).map(([own, other]) => sql`${sql.ref(`${alias}.${own}`)} = ${sql.ref(other)}`),
      sql` and `,
    )

const ofRun = belongsTo({ run: 'runs.id' })
const METRIC_KEY = (key: string) => sql`(select id from metric_keys where name = ${key})`

export const SEARCHED_RUNS: Searched = {
  entity: RUNS,
  table: 'runs',
  columns: columnsOf('runs', {
    ...{ run_id: 'run_id', run_name: 'name', status: 'status', artifact_uri: 'artifact_uri' },
    ...{ user_id: 'user_id', start_time: 'start_time', end_time: 'end_time?' },
  }),
  keyed: {
    metric: { table: 'latest_metrics', belongs: ofRun, keyOf: METRIC_KEY, isMetric: true },
    param: { table: 'params', belongs: ofRun, indexed: { owner: 'run', of: 'runs.id' } },
    tag: { table: 'run_tags', belongs: ofRun, indexed: { owner: 'run', of: 'runs.id' } },
  },
  related: {
    dataset: {
      from: sql`run_datasets join datasets on datasets.id = run_datasets.dataset where run_datasets.run = runs.id`,
      columns: {
        name: sql.ref('datasets.name'),
        digest: sql.ref('datasets.digest'),
        context: sql.ref('run_datasets.context'),
      },
    },
  },
  tieBreaks: [
    { key: 'start_time', isDescending: true },
    { key: 'run_id', isDescending: false },
  ],
}

export const SEARCHED_EXPERIMENTS: Searched = {
  entity: EXPERIMENTS,
  table: 'experiments',
  columns: columnsOf('experiments', {
    ...{ name: 'name', experiment_id: 'id' },
    ...{ creation_time: 'created_at', last_update_time: 'updated_at' },
  }),
  keyed: { tag: { table: 'experiment_tags', belongs: belongsTo({ experiment: 'experiments.id' }) } },
  tieBreaks: [{ key: 'experiment_id', isDescending: true }],
}

/** Prompts are registered models with this tag; who does not ask for them does not get them. */
export const IS_PROMPT = 'mlflow.prompt.is_prompt'
const withPrompts = (keyed: Keyed): Keyed => ({
  ...keyed,
  absent: (key) => (key === IS_PROMPT ? 'false' : undefined),
})

const updatedOf = (table: string): Column => ({
  value: sql`coalesce(${sql.ref(`${table}.updated_at`)}, ${sql.ref(`${table}.created_at`)})`,
})

export const SEARCHED_MODELS: Searched = {
  entity: REGISTERED_MODELS,
  table: 'models',
  columns: {
    ...columnsOf('models', { name: 'name', creation_timestamp: 'created_at' }),
    last_updated_timestamp: updatedOf('models'),
  },
  keyed: { tag: withPrompts({ table: 'model_tags', belongs: belongsTo({ model: 'models.name' }) }) },
  tieBreaks: [{ key: 'name', isDescending: false }],
}

const ofVersion = belongsTo({ model: 'versions.model', number: 'versions.number' })

export const SEARCHED_VERSIONS: Searched = {
  entity: MODEL_VERSIONS,
  table: 'versions',
  columns: {
    ...columnsOf('versions', {
      ...{ name: 'model', version_number: 'number', run_id: 'run_id?', source_path: 'source?' },
      creation_timestamp: 'created_at',
    }),
    last_updated_timestamp: updatedOf('versions'),
  },
  keyed: { tag: withPrompts({ table: 'version_tags', belongs: ofVersion }) },
  tieBreaks: [
    { key: 'name', isDescending: false },
    { key: 'version_number', isDescending: true },
  ],
}

const ofLoggedModel = belongsTo({ logged_model: 'logged_models.id' })

/** @param ofDatasets what must hold of the datasets that metrics were measured on, by the alias of their rows */
export const searchedLoggedModels = (ofDatasets: (alias: string) => RawBuilder<unknown>): Searched => ({
  entity: LOGGED_MODELS,
  table: 'logged_models',
  columns: columnsOf('logged_models', {
    ...{ name: 'name', model_id: 'model_id', model_type: 'model_type', status: 'status' },
    source_run_id: 'source_run_id?',
    ...{ creation_timestamp: 'created_at', last_updated_timestamp: 'updated_at' },
  }),
  keyed: {
    metric: {
      table: 'logged_model_metrics',
      belongs: (alias) => sql`${ofLoggedModel(alias)} and ${ofDatasets(alias)}`,
      isMetric: true,
      several: (alias) => sql`${sql.ref(`${alias}.timestamp`)} desc, ${sql.ref(`${alias}.step`)} desc`,
    },
    param: { table: 'logged_model_params', belongs: ofLoggedModel },
    tag: { table: 'logged_model_tags', belongs: ofLoggedModel },
  },
  tieBreaks: [
    { key: 'creation_timestamp', isDescending: true },
    { key: 'model_id', isDescending: false },
  ],
})
