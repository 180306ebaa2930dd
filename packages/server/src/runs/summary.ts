import type { MetricSummary } from '@millwright/contracts'
import { sql } from 'kysely'
import type { Db } from '../db/database.ts'
import { numberOf } from '../tracking/metrics.ts'
import { numberInJson } from './answer.ts'

export type Direction = 'max' | 'min'

type Row = {
  readonly name: string
  readonly count: number
  readonly min: number | null
  readonly max: number | null
  readonly value: number
  readonly is_nan: number
  readonly best_step: number | null
}

/** Of each metric of a run: how many values, the last, lowest and highest, and the best where a direction says which that is. */
export async function summariseMetrics(
  db: Db,
  run: number,
  direction: Direction | undefined,
): Promise<MetricSummary[]> {
  const best = direction === 'min' ? sql`sums.min` : sql`sums.max`
  const { rows } = await sql<Row>`
    select metric_keys.name, sums.count, sums.min, sums.max, latest_metrics.value, latest_metrics.is_nan,
      (select min(metrics.step) from metrics where metrics.run = ${run} and metrics.key = sums.key
        and metrics.is_nan = 0 and metrics.value = ${best}) as best_step
    from (
      select metrics.key, count(*) as count,
        min(case when metrics.is_nan = 0 then metrics.value end) as min,
        max(case when metrics.is_nan = 0 then metrics.value end) as max
      from metrics where metrics.run = ${run} group by metrics.key
    ) as sums
    join metric_keys on metric_keys.id = sums.key
    join latest_metrics on latest_metrics.run = ${run} and latest_metrics.key = sums.key
    order by metric_keys.name`.execute(db)
  return rows.map((row) => {
    const value = direction === 'min' ? row.min : row.max
    return {
      ...{ key: row.name, count: Number(row.count), last: numberInJson(numberOf(row)) },
      ...{ min: row.min, max: row.max },
      best:
        direction === undefined || value === null || row.best_step === null
          ? null
          : { value, step: Number(row.best_step) },
    }
  })
}
