import type { ImportedRow, ImportRow } from '@millwright/contracts'
import { MillwrightError } from '@millwright/contracts/errors'
import { sql } from 'kysely'
import { folderOfUri } from '../artifacts/path.ts'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import { putRegisteredModelTag } from '../registered/models.ts'
import { findRegisteredVersion } from '../registered/versions.ts'
import { moveAlias } from '../registry/move-alias.ts'
import {
  createExperiment,
  getExperiment,
  getExperimentByName,
  setExperimentTag,
} from '../tracking/experiments.ts'
import { putDatasets, putModelUses } from '../tracking/inputs.ts'
import {
  assertAlias,
  assertKey,
  assertLoggedModelName,
  assertModelName,
  assertRunId,
} from '../tracking/limits.ts'
import { linkMetrics, putModelTags } from '../tracking/logged-models.ts'
import { assertMetric, putMetrics } from '../tracking/metrics.ts'
import { findRow, putParams, putTags } from '../tracking/runs.ts'

export type ImportDeps = {
  readonly artifactRoot: string
  readonly now: number
  readonly by: string
}
type Of<T extends ImportRow['type']> = Extract<ImportRow, { type: T }>
type Apply<T extends ImportRow['type']> = (
  db: Db,
  row: Of<T>,
  deps: ImportDeps,
) => Promise<Partial<ImportedRow>>

const NOTHING: ImportedRow = {
  id: '',
  complete: true,
  metrics: 0,
  params: 0,
  tags: 0,
  folder: null,
  version: null,
}

/**
 * Adds what another tracking server has, as it was there. The same again adds nothing, so an import that was interrupted is
 * begun anew and goes on; what is here and differs is not replaced but for the state of a run that had not ended.
 * @throws MlflowError, MillwrightError: then none of the rows is kept
 */
export async function importRows(
  db: Db,
  rows: readonly ImportRow[],
  deps: ImportDeps,
): Promise<ImportedRow[]> {
  const answers: ImportedRow[] = []
  for (const row of rows) {
    const apply = APPLY[row.type] as Apply<ImportRow['type']>
    answers.push({ ...NOTHING, ...(await apply(db, row, deps)) })
  }
  return answers
}

const numberOf = (value: number | string): number => Number(value)

const folderAt = (uri: string): string | null => folderOfUri(uri) ?? null

const APPLY: { readonly [T in ImportRow['type']]: Apply<T> } = {
  async experiment(db, { name, lifecycle, created_at, updated_at, tags }, { artifactRoot }) {
    const found = await db.selectFrom('experiments').select('id').where('name', '=', name).executeTakeFirst()
    if (found !== undefined) {
      const { lifecycle: here } = await getExperimentByName(db, name)
      if (here === 'active') for (const tag of tags) await setExperimentTag(db, String(found.id), tag)
      return { id: String(found.id) }
    }
    const id = await createExperiment(db, {
      ...{ name, tags, artifactRoot, artifactLocation: undefined, now: created_at },
    })
    await db.updateTable('experiments').set({ lifecycle, updated_at }).where('id', '=', id).execute()
    return { id: String(id) }
  },

  async run(db, row, { now }) {
    assertRunId(row.run_id)
    const experiment = await getExperiment(db, row.experiment_id)
    for (const { key } of [...row.tags, ...row.params]) assertKey(key)
    const before = await db.selectFrom('runs').selectAll().where('run_id', '=', row.run_id).executeTakeFirst()
    if (before !== undefined && before.experiment !== experiment.id)
      throw new MillwrightError('IMPORT_CONFLICT', {
        what: `run ${row.run_id}`,
        reason: `it is in experiment ${before.experiment} here, and in ${experiment.id} there`,
      })
    const deletedAt = row.deleted_at ?? (experiment.lifecycle === 'deleted' ? experiment.updated_at : now)
    const state = {
      ...{ name: row.name, lifecycle: row.lifecycle },
      deleted_at: row.lifecycle === 'deleted' ? deletedAt : null,
    }
    const { id, artifact_uri: uri } =
      before ??
      (await db
        .insertInto('runs')
        .values({
          ...{
            run_id: row.run_id,
            experiment: experiment.id,
            user_id: row.user_id,
            start_time: row.start_time,
          },
          ...{ ...state, status: 'RUNNING', end_time: null },
          artifact_uri: `${experiment.artifact_location}/${row.run_id}/artifacts`,
        })
        .returning(['id', 'artifact_uri'])
        .executeTakeFirstOrThrow())
    const ended = before !== undefined && before.status === row.status && before.end_time === row.end_time
    const complete = ended && row.status !== 'RUNNING' && row.status !== 'SCHEDULED'
    if (!complete) {
      if (before !== undefined) await db.updateTable('runs').set(state).where('id', '=', id).execute()
      await putTags(db, id, row.tags)
      await putParams(db, { ...(await findRow(db, row.run_id)) }, row.params)
      await putDatasets(db, { id, experiment: experiment.id }, row.datasets)
      await putModelUses(db, { run: id, role: 'input' }, row.models_in)
      await putModelUses(db, { run: id, role: 'output' }, row.models_out)
    }
    return { id: row.run_id, complete, folder: folderAt(uri), ...(await countsOf(db, id)) }
  },

  async metrics(db, row) {
    const { id } = await findRow(db, row.run_id)
    const metrics = row.metrics.map(([key, value, timestamp, step]) => ({
      ...{ key, value: numberOf(value), timestamp, step },
    }))
    for (const metric of metrics) assertMetric(metric)
    await putMetrics(db, id, metrics)
    return { id: row.run_id }
  },

  async end(db, { run_id, status, end_time }) {
    const { id } = await findRow(db, run_id)
    await db.updateTable('runs').set({ status, end_time }).where('id', '=', id).execute()
    return { id: run_id, ...(await countsOf(db, id)) }
  },

  async logged_model(db, row) {
    assertLoggedModelName(row.name)
    const experiment = await getExperiment(db, row.experiment_id)
    const state = { status: row.status, status_message: row.status_message, updated_at: row.updated_at }
    const { id, artifact_uri: uri } = await db
      .insertInto('logged_models')
      .values({
        ...{ model_id: row.model_id, experiment: experiment.id, name: row.name, model_type: row.model_type },
        ...{ ...state, source_run_id: row.source_run_id, created_at: row.created_at },
        artifact_uri: `${experiment.artifact_location}/models/${row.model_id}/artifacts`,
      })
      .onConflict((conflict) => conflict.column('model_id').doUpdateSet(state))
      .returning(['id', 'artifact_uri'])
      .executeTakeFirstOrThrow()
    await putModelTags(db, { id }, row.tags)
    for (const { key, value } of row.params)
      await db
        .insertInto('logged_model_params')
        .values({ logged_model: id, key, value })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    for (const { run_id, value, dataset_name, dataset_digest, ...metric } of row.metrics)
      await linkMetrics(db, run_id, [
        {
          ...{ ...metric, value: numberOf(value), model_id: row.model_id },
          ...{ dataset_name: dataset_name ?? '', dataset_digest: dataset_digest ?? '' },
        },
      ])
    return { id: row.model_id, folder: folderAt(uri), params: row.params.length, tags: row.tags.length }
  },

  async registered_model(db, { name, description, created_at, updated_at, last_number, tags }) {
    assertModelName(name)
    await db
      .insertInto('models')
      .values({ name, description, created_at, updated_at })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await db
      .updateTable('models')
      .set({ last_number })
      .where('name', '=', name)
      .where((is) => is.or([is('last_number', 'is', null), is('last_number', '<', last_number)]))
      .execute()
    for (const tag of tags) await putRegisteredModelTag(db, name, tag)
    return { id: name, tags: tags.length }
  },

  async alias(db, { model, alias, version }, { by, now: at }) {
    assertAlias(alias)
    await findRegisteredVersion(db, { model, number: version })
    const here = await db
      .selectFrom('aliases')
      .select('version')
      .where('model', '=', model)
      .where('alias', '=', alias)
      .executeTakeFirst()
    if (here === undefined) await moveAlias(db, { model, alias, version, at, by, reason: 'imported' })
    return { id: `${model}@${alias}`, version: here?.version ?? version }
  },
}

/** Rows that a run has. */
async function countsOf(db: Db, run: number): Promise<Pick<ImportedRow, 'metrics' | 'params' | 'tags'>> {
  const count = async (table: 'metrics' | 'params' | 'run_tags'): Promise<number> => {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(table)} where run in ${numbers(db, [run])}`.execute(db)
    return Number(rows[0]!.count)
  }
  return { metrics: await count('metrics'), params: await count('params'), tags: await count('run_tags') }
}
