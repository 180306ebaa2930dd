import { type Selectable, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import type { LoggedModelStatus, Tables } from '../db/tables.ts'
import { invalid, MlflowError } from './errors.ts'
import { assertActive, getExperiment, type Tag } from './experiments.ts'
import { assertKey, assertLoggedModelName } from './limits.ts'
import { type Metric, numberOf, storedValue } from './metrics.ts'

type Row = Selectable<Tables['logged_models']>
/** A metric of a model, and of the dataset and run it was measured with. */
type ModelMetric = Metric & {
  readonly run_id: string
  readonly dataset_name: string | null
  readonly dataset_digest: string | null
}
/** A model that was logged, before or without being registered. */
export type LoggedModel = Row & {
  readonly tags: readonly Tag[]
  readonly params: readonly Tag[]
  readonly metrics: readonly ModelMetric[]
}

export type NewLoggedModel = {
  readonly experiment: string
  readonly modelId: string
  readonly name: string
  readonly modelType: string
  readonly sourceRunId: string | null
  readonly params: readonly Tag[]
  readonly tags: readonly Tag[]
  readonly now: number
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
export async function createLoggedModel(db: Db, model: NewLoggedModel): Promise<LoggedModel> {
  assertLoggedModelName(model.name)
  const experiment = await getExperiment(db, model.experiment)
  assertActive(experiment)
  const row = await db
    .insertInto('logged_models')
    .values({
      ...{ model_id: model.modelId, experiment: experiment.id, name: model.name },
      artifact_uri: `${experiment.artifact_location}/models/${model.modelId}/artifacts`,
      ...{ status: 'LOGGED_MODEL_PENDING', model_type: model.modelType, source_run_id: model.sourceRunId },
      ...{ created_at: model.now, updated_at: model.now },
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  await putModelParams(db, row, model.params)
  await putModelTags(db, row, model.tags)
  return getLoggedModel(db, row.model_id)
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findLoggedModel(db: Db, modelId: string): Promise<Row> {
  const row = await db
    .selectFrom('logged_models')
    .selectAll()
    .where('model_id', '=', modelId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (row !== undefined) return row
  throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Logged model with ID '${modelId}' not found.`)
}

export async function getLoggedModel(db: Db, modelId: string): Promise<LoggedModel> {
  const [model] = await withModelData(db, [await findLoggedModel(db, modelId)])
  return model!
}

/** Models with what was said of them, in the order given. */
export async function withModelData(db: Db, rows: readonly Row[]): Promise<LoggedModel[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const keyed = async (table: 'logged_model_tags' | 'logged_model_params') =>
    Map.groupBy(
      await db
        .selectFrom(table)
        .selectAll()
        .where('logged_model', 'in', numbers(db, ids))
        .orderBy('key')
        .execute(),
      ({ logged_model: model }) => model,
    )
  const [tags, params] = [await keyed('logged_model_tags'), await keyed('logged_model_params')]
  const metrics = Map.groupBy(
    await db
      .selectFrom('logged_model_metrics')
      .selectAll()
      .where('logged_model', 'in', numbers(db, ids))
      .orderBy('key')
      .orderBy('dataset_name')
      .execute(),
    ({ logged_model: model }) => model,
  )
  const plain = ({ key, value }: Tag): Tag => ({ key, value })
  return rows.map((row) => ({
    ...row,
    tags: (tags.get(row.id) ?? []).map(plain),
    params: (params.get(row.id) ?? []).map(plain),
    metrics: (metrics.get(row.id) ?? []).map(metricOf),
  }))
}

const metricOf = (row: Selectable<Tables['logged_model_metrics']>): ModelMetric => ({
  ...{ key: row.key, value: numberOf(row), timestamp: row.timestamp, step: row.step, run_id: row.run_id },
  ...{ dataset_name: row.dataset_name || null, dataset_digest: row.dataset_digest || null },
})

export async function finishLoggedModel(
  db: Db,
  modelId: string,
  { status, now }: { readonly status: LoggedModelStatus; readonly now: number },
): Promise<LoggedModel> {
  const { id } = await findLoggedModel(db, modelId)
  await db.updateTable('logged_models').set({ status, updated_at: now }).where('id', '=', id).execute()
  return getLoggedModel(db, modelId)
}

export async function deleteLoggedModel(db: Db, modelId: string, now: number): Promise<void> {
  const { id } = await findLoggedModel(db, modelId)
  await db.updateTable('logged_models').set({ deleted_at: now }).where('id', '=', id).execute()
}

/** The last one of a key is kept. */
export async function putModelTags(db: Db, { id }: Pick<Row, 'id'>, tags: readonly Tag[]): Promise<void> {
  for (const { key, value } of tags) {
    assertKey(key)
    await db
      .insertInto('logged_model_tags')
      .values({ logged_model: id, key, value })
      .onConflict((conflict) => conflict.columns(['logged_model', 'key']).doUpdateSet({ value }))
      .execute()
  }
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST when there is no such tag */
export async function deleteModelTag(db: Db, modelId: string, key: string): Promise<void> {
  const { id } = await findLoggedModel(db, modelId)
  const { numDeletedRows } = await db
    .deleteFrom('logged_model_tags')
    .where('logged_model', '=', id)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n)
    throw new MlflowError(
      'RESOURCE_DOES_NOT_EXIST',
      `No tag with key '${key}' found for model with ID '${modelId}'.`,
    )
}

/** A param keeps its first value. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function putModelParams(
  db: Db,
  { id, model_id: modelId }: Pick<Row, 'id' | 'model_id'>,
  params: readonly Tag[],
): Promise<void> {
  for (const { key, value } of params) {
    assertKey(key)
    const added = await db
      .insertInto('logged_model_params')
      .values({ logged_model: id, key, value })
      .onConflict((conflict) => conflict.doNothing())
      .returning('value')
      .executeTakeFirst()
    if (added !== undefined) continue
    const { value: before } = await db
      .selectFrom('logged_model_params')
      .select('value')
      .where('logged_model', '=', id)
      .where('key', '=', key)
      .executeTakeFirstOrThrow()
    if (before !== value)
      throw invalid(
        `Changing param values is not allowed. Param with key='${key}' was already logged with value='${before}' for model ID='${modelId}'. Attempted logging new value '${value}'.`,
      )
  }
}

/** A metric of a run that says which model it is of. */
export type LinkedMetric = Metric & {
  readonly model_id?: string | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

/** Keeps the latest of each metric with the models they are of. @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function linkMetrics(db: Db, runId: string, metrics: readonly LinkedMetric[]): Promise<void> {
  for (const metric of metrics) {
    if (!metric.model_id) continue
    const { id } = await findLoggedModel(db, metric.model_id)
    const { key, step, timestamp, dataset_name = '', dataset_digest = '' } = metric
    await db
      .insertInto('logged_model_metrics')
      .values({
        ...{ logged_model: id, key, dataset_name, dataset_digest, run_id: runId, step, timestamp },
        ...storedValue(metric.value),
      })
      .onConflict((conflict) =>
        conflict
          .columns(['logged_model', 'key', 'dataset_name', 'dataset_digest', 'run_id'])
          .doUpdateSet((row) => ({
            value: row.ref('excluded.value'),
            is_nan: row.ref('excluded.is_nan'),
            step: row.ref('excluded.step'),
            timestamp: row.ref('excluded.timestamp'),
          }))
          .where(
            sql<boolean>`(excluded.step, excluded.timestamp, excluded.value) > (logged_model_metrics.step, logged_model_metrics.timestamp, logged_model_metrics.value)`,
          ),
      )
      .execute()
  }
}
