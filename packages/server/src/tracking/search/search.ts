import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { isSqlite, texts } from '../../db/dialect.ts'
import { invalid } from '../errors.ts'
import type { Entity, Operator, ValueType } from '../filter/entities.ts'
import { type Clause, parseFilter } from '../filter/filter.ts'
import type { Order } from '../filter/order.ts'
import { FilterError } from '../filter/tokens.ts'
import type { Keyed, Searched } from './searched.ts'

export type Search = {
  readonly filter: string
  readonly orders: readonly Order[]
  /** What must hold besides the filter. */
  readonly where: readonly RawBuilder<unknown>[]
  /** Rows of a page. */
  readonly limit: number
  /** From the page before. */
  readonly token: string | undefined
}
export type Found<R> = { readonly rows: R[]; readonly next: string | undefined }

/** Where a row stands in one order. `rank`: 0 has a value, 1 is NaN, 2 has none. */
type Place = readonly [rank: number, value: number | string | null]

/** How one order is computed. Without a rank every row has a value. */
type Sort = {
  readonly name: string
  readonly type: ValueType
  readonly join: RawBuilder<unknown>
  readonly rank: RawBuilder<unknown> | undefined
  readonly value: RawBuilder<unknown>
  readonly isDescending: boolean
}

/**
 * One page, sorted by what is asked and then by the tie-breaks; rows without a value, or with NaN, come last in either
 * direction. The token of a page is the place of its last row, so pages do not shift when rows are added.
 * @throws FilterError, MlflowError INVALID_PARAMETER_VALUE
 */
export async function search<R>(
  db: Db,
  searched: Searched,
  { filter, orders, where, limit, token }: Search,
): Promise<Found<R>> {
  const clauses = parseFilter(filter, searched.entity)
  const sorts = sortsOf(searched, orders)
  const table = sql.table(searched.table)
  const conditions = [
    ...where,
    ...clauses.map((clause) => conditionOf(clause, searched, isSqlite(db))),
    ...(token === undefined ? [] : [isAfter(readToken(token, sorts), sorts)]),
    sql`true`,
  ]
  const columns = sorts.flatMap(({ rank = sql`0`, value }, index) => [
    sql`${rank} as ${sql.ref(`rank${index}`)}`,
    sql`${value} as ${sql.ref(`value${index}`)}`,
  ])
  const sorting = sorts.flatMap(({ rank, isDescending }, index) => [
    ...(rank === undefined ? [] : [sql.ref(`rank${index}`)]),
    sql`${sql.ref(`value${index}`)} ${sql.raw(isDescending ? 'desc' : 'asc')}`,
  ])
  const joins = sql.join(
    sorts.map(({ join }) => join),
    sql` `,
  )
  const { rows } = await sql<R & Record<string, number | string | null>>`
    select ${sql.join([sql`${table}.*`, ...columns])} from ${table} ${joins}
    where ${sql.join(conditions, sql` and `)}
    order by ${sql.join(sorting)}
    limit ${limit + 1}`.execute(db)
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? writeToken(page.at(-1)!, sorts) : undefined }
}

/** The orders asked for, then the tie-breaks that are not among them. */
function sortsOf(searched: Searched, orders: readonly Order[]): Sort[] {
  const asked = new Set(orders.map(({ kind, key }) => `${kind}.${key}`))
  const others = searched.tieBreaks
    .filter(({ key }) => !asked.has(`attribute.${key}`))
    .map((tieBreak) => ({ ...tieBreak, kind: 'attribute' as const }))
  return [...orders, ...others].map((order, index) => ({
    name: `${order.kind}.${order.key} ${order.isDescending}`,
    type: typeOf(searched.entity, order),
    isDescending: order.isDescending,
    ...sortOf(order, searched, `by${index}`),
  }))
}

/** What can only be sorted by is a time or a number. */
const typeOf = ({ open, named }: Entity, { kind, key }: Pick<Order, 'kind' | 'key'>): ValueType =>
  (open[kind] ?? Object.values(named[kind] ?? {}).find((one) => one.key === key))?.type ?? 'number'

function sortOf(
  { kind, key }: Order,
  { columns, keyed }: Searched,
  alias: string,
): Pick<Sort, 'join' | 'rank' | 'value'> {
  const rows = keyed[kind]
  if (rows === undefined) {
    const { value, isNullable } = columns[key]!
    const rank = isNullable ? sql`case when ${value} is null then 2 else 0 end` : undefined
    return { join: sql``, rank, value }
  }
  const { table, belongs, isMetric, several } = rows
  const is = sql`${belongs(alias)} and ${sql.ref(`${alias}.key`)} = ${stored(rows, key)}`
  const [value, isNan] = [sql.ref(`${alias}.value`), isMetric ? sql.ref(`${alias}.is_nan`) : sql`0`]
  if (several === undefined)
    return {
      join: sql`left join ${sql.table(table)} as ${sql.ref(alias)} on ${is}`,
      rank: sql`case when ${value} is null then 2 else ${isNan} end`,
      value,
    }
  const first = (what: RawBuilder<unknown>) =>
    sql`(select ${what} from ${sql.table(table)} as ${sql.ref(alias)} where ${is} order by ${several(alias)} limit 1)`
  return { join: sql``, rank: sql`coalesce(${first(isNan)}, 2)`, value: first(value) }
}

const stored = ({ keyOf }: Keyed, key: string): RawBuilder<unknown> => keyOf?.(key) ?? sql`${key}`

/** NaN differs from every number, and is otherwise like none. */
function conditionOf(
  clause: Clause,
  { columns, keyed, related }: Searched,
  inSqlite: boolean,
): RawBuilder<unknown> {
  const { kind, key } = clause
  const compared = (value: RawBuilder<unknown>) => compare(value, clause, inSqlite)
  const others = related?.[kind]
  if (others !== undefined)
    return sql`exists (select 1 from ${others.from} and ${compared(others.columns[key]!)})`
  const rows = keyed[kind]
  if (rows === undefined) return compared(columns[key]!.value)
  const from = sql`from ${sql.table(rows.table)} as keyed where ${rows.belongs('keyed')} and keyed.key = ${stored(rows, key)}`
  const value = sql`keyed.value`
  const holds = rows.isMetric
    ? clause.operator === '!='
      ? sql`(keyed.is_nan = 1 or ${compared(value)})`
      : sql`(keyed.is_nan = 0 and ${compared(value)})`
    : compared(value)
  if (rows.indexed !== undefined && clause.operator === '=') return isOwner(rows.table, rows.indexed, clause)
  if (rows.several !== undefined) return sql`exists (select 1 ${from} and ${holds})`
  // One row is looked up rather than searched for: planners make joins of `exists`, and begin them at the wrong end.
  if (rows.isMetric) return sql`(select ${holds} ${from})`
  const absent = rows.absent?.(key)
  const found = sql`(select ${value} ${from})`
  return compared(absent === undefined ? found : sql`coalesce(${found}, ${absent})`)
}

/** Characters of a value that are in its index. */
const INDEXED = 40

function isOwner(
  table: string,
  { owner, of }: NonNullable<Keyed['indexed']>,
  { key, value }: Clause,
): RawBuilder<unknown> {
  const start = [...(value as string)].slice(0, INDEXED).join('')
  return sql`${sql.ref(of)} in (select ${sql.ref(owner)} from ${sql.table(table)}
    where key = ${key} and substr(value, 1, ${sql.lit(INDEXED)}) = ${start} and value = ${value})`
}

/** PostgreSQL takes a value for what it is compared with; what is no integer is none of a column of integers. */
const comparable = (value: string | number | null): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) ? sql`cast(${value} as double precision)` : value

/** Longest pattern, in characters. */
const PATTERN_LENGTH = 10_000

type Pattern = {
  readonly operator: 'LIKE' | 'ILIKE'
  readonly pattern: string
  readonly inSqlite: boolean
}

/** LIKE heeds case, ILIKE does not (of ASCII). SQLite's LIKE does not either, and its GLOB does. */
function matches(value: RawBuilder<unknown>, { operator, pattern, inSqlite }: Pattern): RawBuilder<unknown> {
  if (pattern.length > PATTERN_LENGTH)
    throw new FilterError(
      `A pattern of ${operator} may have at most ${PATTERN_LENGTH} characters. Got ${pattern.length}`,
    )
  if (!inSqlite) return sql`${value} ${sql.raw(operator)} ${pattern} escape ''`
  return operator === 'LIKE' ? sql`${value} glob ${globOf(pattern)}` : sql`${value} like ${pattern}`
}

function compare(
  value: RawBuilder<unknown>,
  { operator, value: wanted }: { readonly operator: Operator; readonly value: Clause['value'] },
  inSqlite: boolean,
): RawBuilder<unknown> {
  switch (operator) {
    case 'IN':
    case 'NOT IN':
      return sql`${value} ${sql.raw(operator)} ${texts(inSqlite, wanted as readonly string[])}`
    case 'LIKE':
    case 'ILIKE':
      return matches(value, { operator, pattern: wanted as string, inSqlite })
    default:
      return sql`${value} ${sql.raw(operator)} ${comparable(wanted as string | number)}`
  }
}

/** A pattern of LIKE as one of GLOB. */
const globOf = (pattern: string): string =>
  pattern
    .replaceAll(/[[\]*?]/g, (sign) => `[${sign}]`)
    .replaceAll('%', '*')
    .replaceAll('_', '?')

/** Comes behind those places: later in the first order in which they differ. */
function isAfter(places: readonly Place[], sorts: readonly Sort[]): RawBuilder<unknown> {
  const steps = sorts.flatMap(({ rank, value, isDescending }, index) => {
    const [atRank, atValue] = places[index]!
    const at = comparable(atValue)
    const later = sql`${value} ${sql.raw(isDescending ? '<' : '>')} ${at}`
    const ranked =
      rank === undefined ? [] : [{ same: sql`${rank} = ${atRank}`, later: sql`${rank} > ${atRank}` }]
    return atRank === 0 ? [...ranked, { same: sql`${value} = ${at}`, later }] : ranked
  })
  const ways = steps.map(
    ({ later }, index) =>
      sql`(${sql.join([...steps.slice(0, index).map(({ same }) => same), later], sql` and `)})`,
  )
  return sql`(${fromFirst(places, sorts)} and (${sql.join(ways, sql` or `)}))`
}

/** Follows from the rest, and is what an index is entered by: without it a page costs all those before it. */
function fromFirst([place]: readonly Place[], [sort]: readonly Sort[]): RawBuilder<unknown> {
  if (sort!.rank !== undefined) return sql`true`
  return sql`${sort!.value} ${sql.raw(sort!.isDescending ? '<=' : '>=')} ${comparable(place![1])}`
}

const writeToken = (row: Readonly<Record<string, unknown>>, sorts: readonly Sort[]): string =>
  Buffer.from(
    JSON.stringify(sorts.map(({ name }, index) => [name, row[`rank${index}`], row[`value${index}`]])),
  ).toString('base64url')

/** @throws MlflowError INVALID_PARAMETER_VALUE when it is not of this search */
function readToken(token: string, sorts: readonly Sort[]): Place[] {
  try {
    const given = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown
    const places = given as readonly (readonly [string, ...Place])[]
    const isOurs =
      Array.isArray(given) &&
      given.length === sorts.length &&
      sorts.every((sort, index) => isPlaceOf(given[index], sort))
    if (isOurs) return places.map(([, rank, value]) => [rank, value])
  } catch {
    // The same answer as for a token of another search.
  }
  throw invalid('Invalid page token, could not base64-decode')
}

function isPlaceOf(place: unknown, { name, type, rank: ranking }: Sort): boolean {
  if (!Array.isArray(place) || place.length !== 3 || place[0] !== name) return false
  const [, rank, value] = place as readonly unknown[]
  if (rank !== 0 && !(ranking !== undefined && (rank === 1 || rank === 2))) return false
  return rank === 2 ? value === null : typeof value === (type === 'text' ? 'string' : 'number')
}
