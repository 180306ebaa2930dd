import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { invalid, MlflowError } from '../tracking/errors.ts'
import type { Tag } from '../tracking/experiments.ts'
import { assertModelName, assertRegistryTag } from '../tracking/limits.ts'
import { announce, namedTags } from '../webhooks/announce.ts'
import { type RegisteredVersion, withVersionData } from './versions.ts'

type Row = Selectable<Tables['models']>
/** A model as MLflow's clients see it: the same that is deployed. */
export type RegisteredModel = Row & {
  readonly tags: readonly Tag[]
  readonly aliases: readonly { readonly alias: string; readonly version: number }[]
  /** The newest of each stage. */
  readonly latest: readonly RegisteredVersion[]
}

export type NewRegisteredModel = {
  readonly name: string
  readonly description: string | null
  readonly tags: readonly Tag[]
  readonly now: number
}

/** @throws MlflowError RESOURCE_ALREADY_EXISTS, INVALID_PARAMETER_VALUE */
export async function createRegisteredModel(db: Db, model: NewRegisteredModel): Promise<RegisteredModel> {
  const { name, description, tags, now } = model
  assertModelName(name)
  const added = await db
    .insertInto('models')
    .values({ name, description, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning('name')
    .execute()
  if (added.length === 0) throw alreadyExists(name)
  for (const tag of tags) await putRegisteredModelTag(db, name, tag)
  const data = { tags: namedTags(tags), description }
  await announce(db, { what: 'model.created', model: name, data, now })
  return getRegisteredModel(db, name)
}

const alreadyExists = (name: string): MlflowError =>
  new MlflowError('RESOURCE_ALREADY_EXISTS', `Registered Model (name=${name}) already exists.`)

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findRegisteredModel(db: Db, name: string): Promise<Row> {
  const row = await db.selectFrom('models').selectAll().where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return row
  throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Registered Model with name=${name} not found`)
}

export async function getRegisteredModel(db: Db, name: string): Promise<RegisteredModel> {
  const [model] = await withRegisteredData(db, [await findRegisteredModel(db, name)])
  return model!
}

/** Models with what belongs to them, in the order given. */
export async function withRegisteredData(db: Db, rows: readonly Row[]): Promise<RegisteredModel[]> {
  const models: RegisteredModel[] = []
  for (const row of rows) {
    const of = db.selectFrom('model_tags').where('model', '=', row.name)
    models.push({
      ...row,
      tags: await of.select(['key', 'value']).orderBy('key').execute(),
      aliases: await db
        .selectFrom('aliases')
        .select(['alias', 'version'])
        .where('model', '=', row.name)
        .orderBy('alias')
        .execute(),
      latest: await latestVersions(db, row.name, []),
    })
  }
  return models
}

/** The newest version of each stage. @param stages only of these; empty: of all */
export async function latestVersions(
  db: Db,
  name: string,
  stages: readonly string[],
): Promise<RegisteredVersion[]> {
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', name)
    .where('deleted_at', 'is', null)
    .orderBy('number', 'desc')
    .execute()
  const newest = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    const stage = row.stage ?? 'None'
    if (!newest.has(stage) && (stages.length === 0 || stages.includes(stage))) newest.set(stage, row)
  }
  return withVersionData(db, [...newest.values()])
}

/** The time of the last change of a model or its versions. */
export async function touchModel(db: Db, name: string, now: number): Promise<void> {
  await db.updateTable('models').set({ updated_at: now }).where('name', '=', name).execute()
}

export async function describeModel(
  db: Db,
  name: string,
  { description, now }: { readonly description: string; readonly now: number },
): Promise<RegisteredModel> {
  await findRegisteredModel(db, name)
  await db.updateTable('models').set({ description, updated_at: now }).where('name', '=', name).execute()
  return getRegisteredModel(db, name)
}

/** The last one of a key is kept. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function putRegisteredModelTag(db: Db, model: string, { key, value }: Tag): Promise<void> {
  assertRegistryTag({ key, value })
  await db
    .insertInto('model_tags')
    .values({ model, key, value })
    .onConflict((conflict) => conflict.columns(['model', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function deleteRegisteredModelTag(db: Db, model: string, key: string): Promise<void> {
  await db.deleteFrom('model_tags').where('model', '=', model).where('key', '=', key).execute()
}

/** Where the name of a model stands, children first. */
const OWNED = [
  ...(['aliases', 'alias_changes', 'promotion_rules', 'approvals'] as const),
  ...(['version_tags', 'versions', 'model_tags'] as const),
] as const

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST, RESOURCE_ALREADY_EXISTS, INVALID_PARAMETER_VALUE */
export async function renameModel(
  db: Db,
  name: string,
  { to, now }: { readonly to: string; readonly now: number },
): Promise<RegisteredModel> {
  const model = await findRegisteredModel(db, name)
  assertModelName(to)
  if (to === name) return getRegisteredModel(db, name)
  const taken = await db.selectFrom('models').select('name').where('name', '=', to).executeTakeFirst()
  if (taken !== undefined) throw alreadyExists(to)
  await db
    .insertInto('models')
    .values({ ...model, name: to, updated_at: now })
    .execute()
  // Aliases refer to versions, and versions and deployments to models: copies come before what refers to them moves.
  const aliases = await db.selectFrom('aliases').selectAll().where('model', '=', name).execute()
  await db.deleteFrom('aliases').where('model', '=', name).execute()
  for (const table of [...OWNED, 'deployments'] as const)
    await db.updateTable(table).set({ model: to }).where('model', '=', name).execute()
  for (const alias of aliases)
    await db
      .insertInto('aliases')
      .values({ ...alias, model: to })
      .execute()
  await db.deleteFrom('models').where('name', '=', name).execute()
  return getRegisteredModel(db, to)
}

/** With all its versions. @throws MlflowError RESOURCE_DOES_NOT_EXIST; INVALID_PARAMETER_VALUE while it is deployed */
export async function deleteRegisteredModel(db: Db, name: string): Promise<void> {
  await findRegisteredModel(db, name)
  const deployed = await db
    .selectFrom('deployments')
    .select('name')
    .where('model', '=', name)
    .executeTakeFirst()
  if (deployed !== undefined)
    throw invalid(
      `Registered Model (name=${name}) serves the deployment '${deployed.name}'; it cannot be deleted.`,
    )
  for (const table of OWNED) await db.deleteFrom(table).where('model', '=', name).execute()
  await db.deleteFrom('models').where('name', '=', name).execute()
}
