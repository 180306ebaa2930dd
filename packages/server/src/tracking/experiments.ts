import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import { run, statement } from '../db/statement.ts'
import type { Lifecycle, Tables } from '../db/tables.ts'
import { invalid, MlflowError } from './errors.ts'
import {
  assertExperimentId,
  assertExperimentName,
  assertKey,
  assertLocation,
  experimentTagValue,
} from './limits.ts'

export type Tag = { readonly key: string; readonly value: string }
export type Experiment = Selectable<Tables['experiments']> & { readonly tags: readonly Tag[] }

export type NewExperiment = {
  readonly name: string
  /** Default: a folder of its own below `artifactRoot`. */
  readonly artifactLocation: string | undefined
  readonly artifactRoot: string
  readonly tags: readonly Tag[]
  readonly now: number
}

const DEFAULT_NAME = 'Default'

/** Clients log to experiment 0 when they name none. */
export async function ensureDefaultExperiment(db: Db, artifactRoot: string, now: number): Promise<void> {
  await db
    .insertInto('experiments')
    .values(rowOf(0, { name: DEFAULT_NAME, artifactLocation: undefined, artifactRoot, now }))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

const rowOf = (
  id: number,
  { name, artifactLocation, artifactRoot, now }: Omit<NewExperiment, 'tags'>,
): Selectable<Tables['experiments']> => ({
  ...{ id, name, lifecycle: 'active', created_at: now, updated_at: now },
  artifact_location: (artifactLocation || `${artifactRoot.replace(/\/+$/, '')}/${id}`).replace(
    /(?<=.)\/+$/,
    '',
  ),
})

/** @returns its id @throws MlflowError RESOURCE_ALREADY_EXISTS, INVALID_PARAMETER_VALUE */
export async function createExperiment(db: Db, experiment: NewExperiment): Promise<number> {
  const { name, tags } = experiment
  assertExperimentName(name)
  for (const { key } of tags) assertKey(key)
  if (experiment.artifactLocation !== undefined) assertLocation(experiment.artifactLocation)
  const taken = await findByName(db, name)
  if (taken !== undefined)
    throw new MlflowError('RESOURCE_ALREADY_EXISTS', `Experiment(name=${name}) already exists.`)
  const { last } = await db
    .selectFrom('experiments')
    .select((column) => column.fn.max('id').as('last'))
    .executeTakeFirstOrThrow()
  const id = Number(last ?? 0) + 1
  await db.insertInto('experiments').values(rowOf(id, experiment)).execute()
  for (const tag of tags) await putTag(db, id, tag)
  return id
}

async function findByName(db: Db, name: string) {
  return db.selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirst()
}

/** Experiments with their tags, in the order given. */
export async function withTags(
  db: Db,
  rows: readonly Selectable<Tables['experiments']>[],
): Promise<Experiment[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const tags = Map.groupBy(
    await db
      .selectFrom('experiment_tags')
      .selectAll()
      .where('experiment', 'in', numbers(db, ids))
      .orderBy('key')
      .execute(),
    ({ experiment }) => experiment,
  )
  return rows.map((row) => ({
    ...row,
    tags: (tags.get(row.id) ?? []).map(({ key, value }) => ({ key, value })),
  }))
}

const withOwnTags = async (db: Db, row: Selectable<Tables['experiments']>): Promise<Experiment> =>
  (await withTags(db, [row]))[0]!

const FIND_EXPERIMENT = statement(
  'select id, name, artifact_location, lifecycle, created_at, updated_at from experiments where id = ?',
)

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findExperimentRow(db: Db, id: string): Promise<Selectable<Tables['experiments']>> {
  assertExperimentId(id)
  const [row] = /^\d{1,15}$/.test(id)
    ? (await run<Selectable<Tables['experiments']>>(db, FIND_EXPERIMENT, [Number(id)])).rows
    : []
  if (row === undefined)
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${id} exists`)
  return row
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export const getExperiment = async (db: Db, id: string): Promise<Experiment> =>
  withOwnTags(db, await findExperimentRow(db, id))

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function getExperimentByName(db: Db, name: string): Promise<Experiment> {
  const row = await findByName(db, name)
  if (row === undefined)
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Could not find experiment with name '${name}'`)
  return withOwnTags(db, row)
}

/** Of an experiment by its id or, where there is none, its name. */
export async function findExperimentId(db: Db, text: string): Promise<string | undefined> {
  const byId = /^\d{1,15}$/.test(text)
    ? await db.selectFrom('experiments').select('id').where('id', '=', Number(text)).executeTakeFirst()
    : undefined
  const found = byId ?? (await findByName(db, text))
  return found && `${found.id}`
}

/** @throws MlflowError INVALID_PARAMETER_VALUE when it is deleted */
export function assertActive({ id, lifecycle }: Pick<Experiment, 'id' | 'lifecycle'>): void {
  if (lifecycle !== 'active')
    throw invalid(`The experiment ${id} must be in the 'active' state. Current state is ${lifecycle}.`)
}

export async function renameExperiment(db: Db, id: string, name: string, now: number): Promise<void> {
  const experiment = await getExperiment(db, id)
  assertActive(experiment)
  assertExperimentName(name)
  const taken = await findByName(db, name)
  if (taken !== undefined && taken.id !== experiment.id)
    throw new MlflowError('RESOURCE_ALREADY_EXISTS', `Experiment(name=${name}) already exists.`)
  await db.updateTable('experiments').set({ name, updated_at: now }).where('id', '=', experiment.id).execute()
}

/** Its runs go and come with it; those that were deleted by themselves stay so. */
export async function setExperimentLifecycle(
  db: Db,
  id: string,
  { to, now }: { readonly to: Lifecycle; readonly now: number },
): Promise<void> {
  const experiment = await getExperiment(db, id)
  if (to === 'deleted') assertActive(experiment)
  await db
    .updateTable('experiments')
    .set({ lifecycle: to, updated_at: now })
    .where('id', '=', experiment.id)
    .execute()
  const runs = db.updateTable('runs').where('experiment', '=', experiment.id)
  if (to === 'deleted')
    await runs.set({ lifecycle: 'deleted', deleted_at: now }).where('lifecycle', '=', 'active').execute()
  else
    await runs
      .set({ lifecycle: 'active', deleted_at: null })
      .where('deleted_at', '=', experiment.updated_at)
      .execute()
}

export async function setExperimentTag(db: Db, id: string, tag: Tag): Promise<void> {
  assertKey(tag.key)
  const experiment = await getExperiment(db, id)
  assertActive(experiment)
  await putTag(db, experiment.id, tag)
}

async function putTag(db: Db, experiment: number, { key, value }: Tag): Promise<void> {
  const row = { experiment, key, value: experimentTagValue(value) }
  await db
    .insertInto('experiment_tags')
    .values(row)
    .onConflict((conflict) => conflict.columns(['experiment', 'key']).doUpdateSet({ value: row.value }))
    .execute()
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST when there is no such tag */
export async function deleteExperimentTag(db: Db, id: string, key: string): Promise<void> {
  const experiment = await getExperiment(db, id)
  const { numDeletedRows } = await db
    .deleteFrom('experiment_tags')
    .where('experiment', '=', experiment.id)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  if (numDeletedRows === 0n)
    throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No tag with name: ${key} in experiment with id ${id}`)
}
