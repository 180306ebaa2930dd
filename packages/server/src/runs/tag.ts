import type { TagRuns } from '@millwright/contracts'
import type { z } from 'zod'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import { invalid } from '../tracking/errors.ts'
import { assertKey } from '../tracking/limits.ts'
import { findActiveRow, putTags } from '../tracking/runs.ts'
import { findRuns } from './find.ts'

/** Belongs to the name of a run, which this does not change. */
const NAME_TAG = 'mlflow.runName'

/** Sets and deletes tags of many runs, of all or none. @returns their ids @throws FilterError, MlflowError */
export async function tagRuns(db: Db, request: z.infer<typeof TagRuns>): Promise<string[]> {
  const tags = Object.entries(request.set).map(([key, value]) => ({ key, value }))
  if (tags.length + request.delete.length === 0) throw invalid('Say which tags to set or to delete.')
  for (const key of [...Object.keys(request.set), ...request.delete]) {
    assertKey(key)
    if (key === NAME_TAG) throw invalid(`The tag ${NAME_TAG} goes with a run's name; rename runs instead.`)
  }
  const rows = await chosen(db, request)
  if (rows.length > request.limit)
    throw invalid(
      `These are more than ${request.limit} runs, and none was changed; narrow the filter, or give a higher limit.`,
    )
  if (request.dry_run) return rows.map(({ run_id }) => run_id)
  for (const { id } of rows) await putTags(db, id, tags)
  const ids = numbers(
    db,
    rows.map(({ id }) => id),
  )
  if (request.delete.length > 0)
    await db.deleteFrom('run_tags').where('run', 'in', ids).where('key', 'in', request.delete).execute()
  return rows.map(({ run_id }) => run_id)
}

async function chosen(
  db: Db,
  { runs, filter, experiments, limit }: z.infer<typeof TagRuns>,
): Promise<readonly { readonly id: number; readonly run_id: string }[]> {
  if ((runs === undefined) === (filter === undefined))
    throw invalid('Name runs, or give a filter: one of the two.')
  if (runs === undefined)
    return (await findRuns(db, { filter: filter!, orderBy: [], experiments, limit: limit + 1 })).rows
  return Promise.all([...new Set(runs)].map((id) => findActiveRow(db, id)))
}
