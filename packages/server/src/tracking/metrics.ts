import type { Db } from '../db/database.ts'
import { type Insert, insertAll, run, runForLists, statement } from '../db/statement.ts'
import { invalid } from './errors.ts'
import { assertKey } from './limits.ts'
import { groupByRun, ofRuns } from './of-runs.ts'

/** One observed value. `timestamp` in milliseconds since 1970. */
export type Metric = {
  readonly key: string
  readonly value: number
  readonly timestamp: number
  readonly step: number
}

type Stored = {
  readonly run: number
  readonly key: number
  readonly value: number
  readonly is_nan: number
  readonly step: number
  readonly timestamp: number
}

const MAX = Number.MAX_VALUE

export function assertMetric({ key, timestamp }: Metric): void {
  assertKey(key)
  if (timestamp < 0)
    throw invalid(
      `Invalid value ${timestamp} for parameter 'timestamp' supplied: Timestamp must be a nonnegative long (64-bit integer)`,
    )
}

/** Infinity is kept as the largest number there is, as MLflow does. */
const finite = (value: number): number => Math.min(MAX, Math.max(-MAX, value))

export const storedValue = (value: number): { value: number; is_nan: number } =>
  Number.isNaN(value) ? { value: 0, is_nan: 1 } : { value: finite(value), is_nan: 0 }

export const numberOf = ({ value, is_nan }: { readonly value: number; readonly is_nan: number }): number =>
  is_nan === 1 ? Number.NaN : value

const COLUMNS = ['run', 'key', 'value', 'is_nan', 'step', 'timestamp'] as const
const INSERT_METRICS: Insert = { into: 'metrics', columns: COLUMNS, onConflict: 'on conflict do nothing' }
/** The latest of a key is the one with the greatest step, then timestamp, then value. */
const INSERT_LATEST: Insert = {
  into: 'latest_metrics',
  columns: COLUMNS,
  onConflict:
    'on conflict (run, key) do update set value = excluded.value, is_nan = excluded.is_nan, step = excluded.step, timestamp = excluded.timestamp ' +
    'where (excluded.step, excluded.timestamp, excluded.value) > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)',
}
const valuesOf = (row: Stored): unknown[] => COLUMNS.map((column) => row[column])

/** Adds to the history of a run; the same again is nothing new. */
export async function putMetrics(db: Db, run: number, metrics: readonly Metric[]): Promise<void> {
  if (metrics.length === 0) return
  const ids = await keyIds(db, [...new Set(metrics.map(({ key }) => key))])
  const rows = metrics.map(
    ({ key, value, timestamp, step }): Stored => ({
      ...{ run, key: ids.get(key)!, ...storedValue(value), step, timestamp },
    }),
  )
  await insertAll(db, INSERT_METRICS, rows.map(valuesOf))
  await insertAll(db, INSERT_LATEST, newestOfEach(rows).map(valuesOf))
}

const isNewer = (a: Stored, b: Stored): boolean =>
  a.step !== b.step
    ? a.step > b.step
    : a.timestamp !== b.timestamp
      ? a.timestamp > b.timestamp
      : a.value > b.value

function newestOfEach(rows: readonly Stored[]): Stored[] {
  const newest = new Map<number, Stored>()
  for (const row of rows) {
    const before = newest.get(row.key)
    if (before === undefined || isNewer(row, before)) newest.set(row.key, row)
  }
  return [...newest.values()]
}

/** Numbers of names, new ones for those that have none. */
async function keyIds(db: Db, names: readonly string[]): Promise<Map<string, number>> {
  const ids = await findKeys(db, names)
  const others = names.filter((name) => !ids.has(name))
  if (others.length === 0) return ids
  await insertAll(
    db,
    INSERT_KEYS,
    others.map((name) => [name]),
  )
  return findKeys(db, names)
}

const INSERT_KEYS: Insert = { into: 'metric_keys', columns: ['name'], onConflict: 'on conflict do nothing' }
const FIND_KEY = statement('select id, name from metric_keys where name = ?')
const FIND_KEYS = statement(
  'select id, name from metric_keys where name in (select value from json_each(?))',
  'select id, name from metric_keys where name in (select json_array_elements_text($1::json))',
)

async function findKeys(db: Db, names: readonly string[]): Promise<Map<string, number>> {
  const [name] = names
  const { rows } = await (names.length === 1
    ? run<{ id: number; name: string }>(db, FIND_KEY, [name])
    : run<{ id: number; name: string }>(db, FIND_KEYS, [JSON.stringify(names)]))
  return new Map(rows.map((row) => [row.name, row.id]))
}

type Listed = readonly [name: string, value: number, is_nan: number, timestamp: number, step: number]

const metricFrom = ([key, value, is_nan, timestamp, step]: Listed): Metric => ({
  ...{ key, value: is_nan === 1 ? Number.NaN : value, timestamp, step },
})

const FIND_LATEST = ofRuns(
  'select run, name, value, is_nan, timestamp, step from latest_metrics join metric_keys on metric_keys.id = latest_metrics.key',
  'name',
)

/** Of each run, by its number. */
export async function latestOf(db: Db, runs: readonly number[]): Promise<Map<number, Metric[]>> {
  const rows = await runForLists<readonly [number, ...Listed]>(db, FIND_LATEST, [JSON.stringify(runs)])
  return groupByRun(
    rows,
    ([run]) => run,
    ([, ...metric]) => metricFrom(metric),
  )
}

const FIND_HISTORY = statement(
  'select name, value, is_nan, timestamp, step from metrics join metric_keys on metric_keys.id = metrics.key ' +
    'where run = ? and name = ? order by timestamp, step, value limit ? offset ?',
)

/** In order of timestamp, step and value. */
export async function historyOf(
  db: Db,
  run: number,
  { key, offset, limit }: { readonly key: string; readonly offset: number; readonly limit: number },
): Promise<Metric[]> {
  return (await runForLists<Listed>(db, FIND_HISTORY, [run, key, limit, offset])).map(metricFrom)
}
