import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../control/testing.ts'
import { openDatabase } from '../db/database.ts'
import { databaseIn } from '../db/testing.ts'
import { createExperiment } from './experiments.ts'
import { putMetrics } from './metrics.ts'
import { createRun, findRow, getRun, putParams, putTags } from './runs.ts'

const TABLES = [
  'experiments',
  'runs',
  'run_tags',
  'params',
  'metrics',
  'latest_metrics',
  'metric_keys',
] as const
const OF_INPUTS = ['datasets', 'run_datasets', 'run_models'] as const

/** A later version brings the database up to date while this one runs, which only its connections of before know. */
test('a column that is added meanwhile changes nothing of what is read and written', async () => {
  await using folder = await temporaryFolder()
  const db = await openDatabase(await databaseIn(folder.path))
  const root = { artifactLocation: undefined, artifactRoot: 'mlflow-artifacts:/', tags: [], now: 0 }
  const experiment = String(await createExperiment(db, { name: 'a', ...root }))
  const log = async (runId: string) => {
    await createRun(db, { experiment, runId, userId: 'u', name: 'n', startTime: 1, tags: [] })
    const row = await findRow(db, runId)
    await putMetrics(db, row.id, [{ key: 'auc', value: 0.5, timestamp: 1, step: 0 }])
    await putParams(db, row, [{ key: 'depth', value: '3' }])
    await putTags(db, row.id, [{ key: 'team', value: 'a' }])
    return getRun(db, runId)
  }
  const before = await log('1'.repeat(32))

  for (const table of [...TABLES, ...OF_INPUTS])
    await sql`alter table ${sql.table(table)} add column later text`.execute(db)

  expect(await getRun(db, '1'.repeat(32))).toEqual(before)
  expect(await log('2'.repeat(32))).toMatchObject({ metrics: before.metrics, params: before.params })
  await db.destroy()
})
