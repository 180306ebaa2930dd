import type { TrackedRun } from '@millwright/contracts'
import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import type { Tables } from '../db/tables.ts'
import { MlflowError } from '../tracking/errors.ts'
import { RUNS } from '../tracking/filter/entities.ts'
import { parseOrders } from '../tracking/filter/order.ts'
import { getRun, withData } from '../tracking/runs.ts'
import { SEARCHED_RUNS } from '../tracking/search/entities.ts'
import { search } from '../tracking/search/search.ts'
import { answerRun } from './answer.ts'

export type RunSearch = {
  readonly filter: string
  readonly orderBy: readonly string[]
  /** Names or ids; none: all. */
  readonly experiments: readonly string[]
  readonly limit: number
  readonly token?: string | undefined
  readonly lifecycle?: 'active' | 'deleted' | 'all'
}
type Row = Selectable<Tables['runs']>

/** @throws FilterError, MlflowError */
export async function findRuns(
  db: Db,
  { filter, orderBy, experiments, limit, token, lifecycle = 'active' }: RunSearch,
): Promise<{ readonly rows: Row[]; readonly next: string | undefined }> {
  const where: RawBuilder<unknown>[] = lifecycle === 'all' ? [] : [sql`runs.lifecycle = ${lifecycle}`]
  if (experiments.length > 0) where.push(sql`runs.experiment in ${numbers(db, await idsOf(db, experiments))}`)
  return search<Row>(db, SEARCHED_RUNS, { filter, orders: parseOrders(orderBy, RUNS), limit, token, where })
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST when there is none of a name */
async function idsOf(db: Db, experiments: readonly string[]): Promise<number[]> {
  const rows = await db.selectFrom('experiments').select(['id', 'name']).execute()
  return experiments.map((given) => {
    const row = rows.find(({ name }) => name === given) ?? rows.find(({ id }) => String(id) === given)
    if (row !== undefined) return row.id
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `There is no experiment '${given}'`)
  })
}

export async function answerRuns(db: Db, rows: readonly Row[]): Promise<TrackedRun[]> {
  const names = await namesOf(db, rows)
  return (await withData(db, rows)).map((run) => answerRun(run, names.get(run.experiment)!))
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function getTrackedRun(db: Db, runId: string): Promise<TrackedRun> {
  const run = await getRun(db, runId)
  return answerRun(run, (await namesOf(db, [run])).get(run.experiment)!)
}

async function namesOf(db: Db, rows: readonly Pick<Row, 'experiment'>[]): Promise<Map<number, string>> {
  const ids = [...new Set(rows.map(({ experiment }) => experiment))]
  const found = await db
    .selectFrom('experiments')
    .select(['id', 'name'])
    .where('id', 'in', numbers(db, ids))
    .execute()
  return new Map(found.map(({ id, name }) => [id, name]))
}
