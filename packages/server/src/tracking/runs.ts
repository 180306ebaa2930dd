import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import { type Insert, insertAll, run, runForLists, type Statement, statement } from '../db/statement.ts'
import type { RunStatus, Tables } from '../db/tables.ts'
import { invalid, MlflowError } from './errors.ts'
import { assertActive, findExperimentRow, type Tag } from './experiments.ts'
import { type Lineage, lineageOf } from './inputs.ts'
import { assertKey, assertRunId, paramValue, runTagValue } from './limits.ts'
import { latestOf, type Metric } from './metrics.ts'
import { groupByRun, ofRuns } from './of-runs.ts'

type Row = Selectable<Tables['runs']>
export type Run = Row & {
  readonly tags: readonly Tag[]
  readonly params: readonly Tag[]
  /** The latest of each. */
  readonly metrics: readonly Metric[]
} & Lineage

const NOTHING: Lineage = { datasets: [], modelsIn: [], modelsOut: [] }

export type NewRun = {
  readonly experiment: string
  readonly runId: string
  readonly userId: string
  readonly name: string
  readonly startTime: number
  readonly tags: readonly Tag[]
}

const COLUMNS =
  'id, run_id, experiment, name, user_id, status, start_time, end_time, lifecycle, deleted_at, artifact_uri'

const INSERT_RUN = statement(
  'insert into runs (run_id, experiment, name, user_id, status, start_time, lifecycle, artifact_uri) ' +
    `values (?, ?, ?, ?, 'RUNNING', ?, 'active', ?) returning ${COLUMNS}`,
)

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
export async function createRun(db: Db, created: NewRun): Promise<Run> {
  const { experiment, runId, userId, name, startTime, tags } = created
  const found = await findExperimentRow(db, experiment)
  assertActive(found)
  for (const { key } of tags) assertKey(key)
  const files = `${found.artifact_location}/${runId}/artifacts`
  const values = [runId, found.id, name, userId, startTime, files]
  const [row] = (await run<Row>(db, INSERT_RUN, values)).rows
  await putTags(db, row!.id, tags)
  return { ...row!, tags, params: [], metrics: [], ...NOTHING }
}

const FIND_RUN = statement(`select ${COLUMNS} from runs where run_id = ?`)

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findRow(db: Db, runId: string): Promise<Row> {
  assertRunId(runId)
  const [row] = (await run<Row>(db, FIND_RUN, [runId])).rows
  if (row === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Run with id=${runId} not found`)
  return row
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST; INVALID_PARAMETER_VALUE when it is deleted */
export async function findActiveRow(db: Db, runId: string): Promise<Row> {
  const row = await findRow(db, runId)
  if (row.lifecycle !== 'active')
    throw invalid(`The run ${runId} must be in the 'active' state. Current state is ${row.lifecycle}.`)
  return row
}

export async function getRun(db: Db, runId: string): Promise<Run> {
  const [run] = await withData(db, [await findRow(db, runId)])
  return run!
}

type Keyed = readonly [run: number, key: string, value: string]
const FIND_TAGS = ofRuns('select run, key, value from run_tags', 'key')
const FIND_PARAMS_OF = ofRuns('select run, key, value from params', 'key')

const keyedOf = async (
  db: Db,
  find: Statement,
  runs: readonly number[],
): Promise<Map<number, { key: string; value: string }[]>> =>
  groupByRun(
    await runForLists<Keyed>(db, find, [JSON.stringify(runs)]),
    ([run]) => run,
    ([, key, value]) => ({ key, value }),
  )

/** Runs with what was logged to them, in the order given. */
export async function withData(db: Db, rows: readonly Row[]): Promise<Run[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const [tags, params] = [await keyedOf(db, FIND_TAGS, ids), await keyedOf(db, FIND_PARAMS_OF, ids)]
  const metrics = await latestOf(db, ids)
  const lineage = await lineageOf(db, ids)
  return rows.map((row) => ({
    ...row,
    tags: tags.get(row.id) ?? [],
    params: params.get(row.id) ?? [],
    metrics: metrics.get(row.id) ?? [],
    ...(lineage.get(row.id) ?? NOTHING),
  }))
}

export type RunChange = {
  readonly status?: RunStatus | undefined
  readonly endTime?: number | undefined
  readonly name?: string | undefined
}

export async function updateRun(db: Db, runId: string, { status, endTime, name }: RunChange): Promise<Row> {
  const found = await findActiveRow(db, runId)
  if (status === undefined && endTime === undefined && name === undefined) return found
  const { id } = found
  const row = await db
    .updateTable('runs')
    .set({
      ...(status !== undefined && { status }),
      ...(endTime !== undefined && { end_time: endTime }),
      ...(name !== undefined && { name }),
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  if (name !== undefined) await putTags(db, id, [{ key: 'mlflow.runName', value: name }])
  return row
}

export async function deleteRun(db: Db, runId: string, now: number): Promise<void> {
  const { id } = await findRow(db, runId)
  await db.updateTable('runs').set({ lifecycle: 'deleted', deleted_at: now }).where('id', '=', id).execute()
}

export async function restoreRun(db: Db, runId: string): Promise<void> {
  const { id } = await findRow(db, runId)
  await db.updateTable('runs').set({ lifecycle: 'active', deleted_at: null }).where('id', '=', id).execute()
}

const INSERT_TAGS: Insert = {
  into: 'run_tags',
  columns: ['run', 'key', 'value'],
  onConflict: 'on conflict (run, key) do update set value = excluded.value',
}

/** The last one of a key is kept. */
export async function putTags(db: Db, runNumber: number, tags: readonly Tag[]): Promise<void> {
  const last = new Map(tags.map(({ key, value }) => [key, [runNumber, key, runTagValue(value)]]))
  await insertAll(db, INSERT_TAGS, [...last.values()])
}

export async function getTag(db: Db, run: number, key: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('run_tags')
    .select('value')
    .where('run', '=', run)
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.value
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST when there is no such tag */
export async function deleteTag(db: Db, runId: string, key: string): Promise<void> {
  const { id } = await findActiveRow(db, runId)
  const { numDeletedRows } = await db
    .deleteFrom('run_tags')
    .where('run', '=', id)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n)
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No tag with name: ${key} in run with id ${runId}`)
}

const INSERT_PARAMS: Insert = {
  into: 'params',
  columns: ['run', 'key', 'value'],
  onConflict: 'on conflict do nothing',
}
const FIND_PARAMS = statement(
  'select key, value from params where run = ? and key in (select value from json_each(?))',
  'select key, value from params where run = $1 and key in (select json_array_elements_text($2::json))',
)

/** A param keeps its first value; to log the same again is fine. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function putParam(db: Db, row: Row, param: Tag): Promise<void> {
  const [changed] = await putNew(db, row, [param])
  if (changed === undefined) return
  const { key, old, value } = changed
  throw invalid(
    `Changing param values is not allowed. Param with key='${key}' was already logged with value='${old}' for run ID='${row.run_id}'. Attempted logging new value '${value}'.`,
  )
}

/** The same of several. */
export async function putParams(db: Db, row: Row, params: readonly Tag[]): Promise<void> {
  const changed = await putNew(db, row, params)
  if (changed.length === 0) return
  const shown = changed.map(
    ({ key, old, value }) => `{'key': '${key}', 'old_value': '${old}', 'new_value': '${value}'}`,
  )
  throw invalid(
    `Changing param values is not allowed. Params were already logged='[${shown.join(', ')}]' for run ID='${row.run_id}'.`,
  )
}

/** @returns those that were there with another value */
async function putNew(
  db: Db,
  { id }: Row,
  params: readonly Tag[],
): Promise<readonly (Tag & { readonly old: string | undefined })[]> {
  const rows = params.map(({ key, value }) => ({ run: id, key, value: paramValue(value) }))
  if (rows.length === 0) return []
  await insertAll(
    db,
    INSERT_PARAMS,
    rows.map(({ run: number, key, value }) => [number, key, value]),
  )
  const { rows: kept } = await run<Tag>(db, FIND_PARAMS, [id, JSON.stringify(rows.map(({ key }) => key))])
  const values = new Map(kept.map(({ key, value }) => [key, value]))
  return rows
    .map(({ key, value }) => ({ key, value, old: values.get(key) }))
    .filter(({ value, old }) => old !== value)
}
