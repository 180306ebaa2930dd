import { type SavedSearch, SaveSearch } from '@millwright/contracts'
import { MillwrightError } from '@millwright/contracts/errors'
import type { z } from 'zod'
import type { Db } from '../db/database.ts'
import {
  type Entity,
  EXPERIMENTS,
  LOGGED_MODELS,
  MODEL_VERSIONS,
  REGISTERED_MODELS,
  RUNS,
} from '../tracking/filter/entities.ts'
import { parseFilter } from '../tracking/filter/filter.ts'
import { parseOrders } from '../tracking/filter/order.ts'

const ENTITIES: Readonly<Record<SavedSearch['entity'], Entity>> = {
  ...{ runs: RUNS, experiments: EXPERIMENTS, models: REGISTERED_MODELS },
  ...{ versions: MODEL_VERSIONS, logged_models: LOGGED_MODELS },
}

type Row = {
  readonly name: string
  readonly search: string
  readonly changed_by: string
  readonly changed_at: number
}

const savedOf = ({ name, search, changed_by, changed_at }: Row): SavedSearch => ({
  ...{ name, ...SaveSearch.parse(JSON.parse(search)) },
  ...{ by: changed_by, at: new Date(changed_at).toISOString() },
})

export async function listSearches(db: Db): Promise<SavedSearch[]> {
  return (await db.selectFrom('saved_searches').selectAll().orderBy('name').execute()).map(savedOf)
}

/** @throws MillwrightError NOT_TRACKED */
export async function getSearch(db: Db, name: string): Promise<SavedSearch> {
  const row = await db.selectFrom('saved_searches').selectAll().where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return savedOf(row)
  throw new MillwrightError('NOT_TRACKED', { reason: `there is no saved search "${name}"` })
}

type Saving = {
  readonly name: string
  readonly search: z.infer<typeof SaveSearch>
  readonly by: string
  readonly at: number
}

/** Takes the place of one of that name. @throws FilterError when it could not be run */
export async function saveSearch(db: Db, { name, search, by, at }: Saving): Promise<SavedSearch> {
  const entity = ENTITIES[search.entity]
  parseFilter(search.filter, entity)
  parseOrders(search.order_by, entity)
  const row = { search: JSON.stringify(search), changed_by: by, changed_at: at }
  await db
    .insertInto('saved_searches')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
  return savedOf({ name, ...row })
}

/** @throws MillwrightError NOT_TRACKED */
export async function deleteSearch(db: Db, name: string): Promise<SavedSearch> {
  const search = await getSearch(db, name)
  await db.deleteFrom('saved_searches').where('name', '=', name).execute()
  return search
}
