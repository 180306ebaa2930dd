import { type RawBuilder, sql } from 'kysely'
import { boundsOf, type Grant } from '../access/permission.ts'

/** What a key is good for, as a condition of a search: pages are filled with what it may see. */

/** Ids of experiments; what is none has no runs. */
export const numbersOf = (ids: readonly string[]): number[] =>
  ids.map((id) => (/^\d{1,15}$/.test(id) ? Number(id) : -1))

/** Ids of the experiments it is good for; undefined: all. */
export const numbersIn = (grant: Grant | undefined): number[] | undefined => {
  const ids = boundsOf(grant, 'experiments')
  return ids && numbersOf(ids)
}

/** @param good undefined: whatever the column says */
export function within(
  column: RawBuilder<unknown>,
  good: readonly (string | number)[] | undefined,
): RawBuilder<unknown>[] {
  if (good === undefined) return []
  return [good.length === 0 ? sql`1 = 0` : sql`${column} in (${sql.join([...good])})`]
}
