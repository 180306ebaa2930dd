import { type Statement, statement } from '../db/statement.ts'

/** A statement that reads of several runs at once, named by one value: the JSON of their numbers. */
export const ofRuns = (select: string, order: string): Statement =>
  statement(
    `${select} where run in (select value from json_each(?)) order by run, ${order}`,
    `${select} where run in (select json_array_elements_text($1::json)::bigint) order by run, ${order}`,
  )

/** By the number of the run, in the order of the rows. */
export function groupByRun<R, T>(
  rows: readonly R[],
  runOf: (row: R) => number,
  map: (row: R) => T,
): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const row of rows) {
    const run = runOf(row)
    const group = groups.get(run)
    if (group === undefined) groups.set(run, [map(row)])
    else group.push(map(row))
  }
  return groups
}
