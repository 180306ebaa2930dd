import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { invalid } from './errors.ts'
import { type Operator, RUNS } from './filter/entities.ts'
import { type Clause, parseFilter } from './filter/filter.ts'
import { type Order, parseOrders } from './filter/order.ts'

type Row = Selectable<Tables['runs']>

export type RunQuery = {
  readonly experiments: readonly number[]
  readonly filter: string
  readonly orderBy: readonly string[]
  readonly view: 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'
  readonly limit: number
  /** From the page before. */
  readonly token: string | undefined
}

/** A value that results are sorted by, and where it stands: 0 is there, 1 is NaN, 2 is missing. */
type Place = { readonly rank: number; readonly value: number | string | null }
/** The last run of a page. */
type Cursor = { readonly places: readonly Place[]; readonly startTime: number; readonly runId: string }

/**
 * Runs, sorted by what is asked, then newest first, then by id; those without a value, or with NaN, come last in either
 * direction. The token of a page is the place of its last run, so pages do not shift when runs are added.
 * @throws FilterError, MlflowError INVALID_PARAMETER_VALUE
 */
export async function searchRuns(
  db: Db,
  { experiments, filter, orderBy, view, limit, token }: RunQuery,
): Promise<{ readonly rows: Row[]; readonly next: string | undefined }> {
  const orders = parseOrders(orderBy, RUNS)
  const clauses = parseFilter(filter, RUNS)
  if (experiments.length === 0) return { rows: [], next: undefined }
  const cursor = token === undefined ? undefined : readToken(token, orders)
  const sorts = orders.map(sortOf)
  const conditions = [
    sql`runs.experiment in (${sql.join(experiments)})`,
    ...(view === 'ALL' ? [] : [sql`runs.lifecycle = ${view === 'ACTIVE_ONLY' ? 'active' : 'deleted'}`]),
    ...clauses.map(conditionOf),
    ...(cursor === undefined ? [] : [isAfter(cursor, orders, sorts)]),
  ]
  const columns = sorts.flatMap(({ rank, value }, index) => [
    sql`${rank} as ${sql.ref(`rank${index}`)}`,
    sql`${value} as ${sql.ref(`value${index}`)}`,
  ])
  const sorting = orders.flatMap(({ isDescending }, index) => [
    sql`${sorts[index]!.rank}`,
    isDescending ? sql`${sorts[index]!.value} desc` : sql`${sorts[index]!.value}`,
  ])
  const { rows } = await sql<Row & Record<string, number | string | null>>`
    select ${sql.join([sql`runs.*`, ...columns])} from runs ${sql.join(
      sorts.map(({ join }) => join),
      sql` `,
    )}
    where ${sql.join(conditions, sql` and `)}
    order by ${sql.join([...sorting, sql`runs.start_time desc`, sql`runs.run_id`])}
    limit ${limit + 1}`.execute(db)
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return { rows: page, next: last && writeToken(last, orders) }
}

/** How one order is computed. */
type Sort = {
  readonly join: RawBuilder<unknown>
  readonly rank: RawBuilder<unknown>
  readonly value: RawBuilder<unknown>
}

function sortOf({ kind, key }: Order, index: number): Sort {
  const alias = sql.ref(`by${index}`)
  if (kind === 'attribute') {
    const column = sql.ref(`runs.${COLUMNS[key]!}`)
    return { join: sql``, rank: sql`case when ${column} is null then 2 else 0 end`, value: column }
  }
  if (kind === 'metric')
    return {
      join: sql`left join latest_metrics as ${alias} on ${alias}.run = runs.id and ${alias}.key = (select id from metric_keys where name = ${key})`,
      rank: sql`case when ${alias}.value is null then 2 else ${alias}.is_nan end`,
      value: sql`${alias}.value`,
    }
  return {
    join: sql`left join ${sql.table(TABLES[kind as 'param' | 'tag'])} as ${alias} on ${alias}.run = runs.id and ${alias}.key = ${key}`,
    rank: sql`case when ${alias}.value is null then 2 else 0 end`,
    value: sql`${alias}.value`,
  }
}

const TABLES = { param: 'params', tag: 'run_tags' } as const
const COLUMNS: Readonly<Record<string, string>> = {
  ...{
    run_id: 'run_id',
    run_name: 'name',
    status: 'status',
    artifact_uri: 'artifact_uri',
    user_id: 'user_id',
  },
  ...{ start_time: 'start_time', end_time: 'end_time' },
}

/** Comes behind the cursor: later in the first order in which they differ. */
function isAfter(
  { places, startTime, runId }: Cursor,
  orders: readonly Order[],
  sorts: readonly Sort[],
): RawBuilder<unknown> {
  const steps = orders.flatMap(({ isDescending }, index) => {
    const { rank, value } = sorts[index]!
    const place = places[index]!
    return [
      { same: sql`${rank} = ${place.rank}`, later: sql`${rank} > ${place.rank}` },
      ...(place.rank === 2
        ? []
        : [
            {
              same: sql`${value} = ${place.value}`,
              later: isDescending ? sql`${value} < ${place.value}` : sql`${value} > ${place.value}`,
            },
          ]),
    ]
  })
  const all = [
    ...steps,
    { same: sql`runs.start_time = ${startTime}`, later: sql`runs.start_time < ${startTime}` },
    { same: sql`true`, later: sql`runs.run_id > ${runId}` },
  ]
  const ways = all.map(
    ({ later }, index) =>
      sql`(${sql.join([...all.slice(0, index).map(({ same }) => same), later], sql` and `)})`,
  )
  return sql`(${sql.join(ways, sql` or `)})`
}

function conditionOf({ kind, key, operator, value }: Clause): RawBuilder<unknown> {
  if (kind === 'attribute') return compare(sql.ref(`runs.${COLUMNS[key]!}`), operator, value)
  if (kind === 'metric')
    return sql`exists (select 1 from latest_metrics as m where m.run = runs.id and m.key = (select id from metric_keys where name = ${key}) and m.is_nan = 0 and ${compare(sql`m.value`, operator, value)})`
  if (kind === 'dataset') throw invalid('datasets cannot be searched yet')
  return sql`exists (select 1 from ${sql.table(TABLES[kind])} as t where t.run = runs.id and t.key = ${key} and ${compare(sql`t.value`, operator, value)})`
}

/** LIKE heeds case, ILIKE does not; SQLite's own LIKE does not. */
function compare(
  column: RawBuilder<unknown>,
  operator: Operator,
  value: Clause['value'],
): RawBuilder<unknown> {
  if (operator === 'IN' || operator === 'NOT IN')
    return sql`${column} ${sql.raw(operator.toLowerCase())} (${sql.join([...(value as readonly string[])])})`
  if (operator === 'LIKE') return sql`${column} glob ${globOf(value as string)}`
  if (operator === 'ILIKE') return sql`lower(${column}) like ${(value as string).toLowerCase()}`
  return sql`${column} ${sql.raw(operator)} ${value}`
}

/** A pattern of LIKE as one of GLOB. */
const globOf = (pattern: string): string =>
  pattern
    .replaceAll(/[[\]*?]/g, (sign) => `[${sign}]`)
    .replaceAll('%', '*')
    .replaceAll('_', '?')

const writeToken = (row: Row & Record<string, unknown>, orders: readonly Order[]): string =>
  Buffer.from(
    JSON.stringify([
      orders.map(({ kind, key, isDescending }, index) => [
        `${kind}.${key}.${isDescending}`,
        row[`rank${index}`],
        row[`value${index}`],
      ]),
      row.start_time,
      row.run_id,
    ]),
  ).toString('base64url')

/** @throws MlflowError INVALID_PARAMETER_VALUE when it is not of this search */
function readToken(token: string, orders: readonly Order[]): Cursor {
  try {
    const [places, startTime, runId] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [
      [string, number, number | string | null][],
      number,
      string,
    ]
    const names = orders.map(({ kind, key, isDescending }) => `${kind}.${key}.${isDescending}`)
    if (
      `${places.map(([name]) => name)}` === `${names}` &&
      typeof startTime === 'number' &&
      typeof runId === 'string'
    )
      return { places: places.map(([, rank, value]) => ({ rank, value })), startTime, runId }
  } catch {
    // The same answer as for a token of another search.
  }
  throw invalid('Invalid page token, could not base64-decode')
}
