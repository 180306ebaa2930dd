import type { LoggedRow } from '../segments/record.ts'

/** A place in the order of rows: by time, then by id. */
export type RowKey = { readonly timeMs: number; readonly id: string }

/** Rows wanted: those that equal all that is given, the newest first. */
export type RowQuery = {
  readonly id?: string | undefined
  readonly subject?: string | undefined
  readonly requestId?: string | undefined
  readonly deployment?: string | undefined
  readonly model?: string | undefined
  readonly version?: number | undefined
  readonly variant?: string | undefined
  readonly sinceMs: number
  /** Exclusive. */
  readonly untilMs: number
  /** Only rows that come after this place when going back in time. */
  readonly before?: RowKey | undefined
  readonly limit: number
}

/** What a row must equal; its name in storage is `column`. */
export const EQUAL_COLUMNS = [
  { field: 'id', column: 'id' },
  { field: 'subject', column: 'subject' },
  { field: 'requestId', column: 'request_id' },
  { field: 'deployment', column: 'deployment' },
  { field: 'model', column: 'model' },
  { field: 'version', column: 'version' },
  { field: 'variant', column: 'variant' },
] as const satisfies readonly { field: keyof RowQuery & keyof LoggedRow; column: string }[]

export function matchesQuery(row: LoggedRow, query: RowQuery): boolean {
  if (row.timeMs < query.sinceMs || row.timeMs >= query.untilMs) return false
  if (query.before !== undefined && compareNewestFirst(query.before, row) >= 0) return false
  return EQUAL_COLUMNS.every(({ field }) => query[field] === undefined || query[field] === row[field])
}

/** The order of answers. Ids by their bytes, as DuckDB compares them. */
function compareNewestFirst(a: RowKey, b: RowKey): number {
  return b.timeMs - a.timeMs || (a.id === b.id ? 0 : Buffer.compare(Buffer.from(b.id), Buffer.from(a.id)))
}

/** The first `limit` of both, in the order of answers. */
export function mergeNewestFirst(
  a: readonly LoggedRow[],
  b: readonly LoggedRow[],
  limit: number,
): LoggedRow[] {
  return [...a, ...b].sort(compareNewestFirst).slice(0, limit)
}
