import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { invalid, MlflowError } from '../tracking/errors.ts'
import type { Tag } from '../tracking/experiments.ts'
import { assertRegistryTag } from '../tracking/limits.ts'

export type VersionRow = Selectable<Tables['versions']>
/** A version as MLflow's clients see it. */
export type RegisteredVersion = VersionRow & {
  readonly tags: readonly Tag[]
  readonly aliases: readonly string[]
}

export type VersionId = { readonly model: string; readonly number: number }

/** Stands for the digest of files that there are not: of nothing else. */
export const digestOf = ({ model, number }: VersionId): string =>
  createHash('sha256').update(`${model}/${number}`).digest('hex')

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function parseVersion(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw invalid(`Parameter 'version' must be an integer, got '${text.slice(0, 100)}'.`)
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findRegisteredVersion(db: Db, { model, number }: VersionId): Promise<VersionRow> {
  const row = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('number', '=', number)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (row !== undefined) return row
  throw new MlflowError(
    'RESOURCE_DOES_NOT_EXIST',
    `Model Version (name=${model}, version=${number}) not found`,
  )
}

export async function getRegisteredVersion(db: Db, id: VersionId): Promise<RegisteredVersion> {
  const [version] = await withVersionData(db, [await findRegisteredVersion(db, id)])
  return version!
}

/** Versions with what belongs to them, in the order given. */
export async function withVersionData(db: Db, rows: readonly VersionRow[]): Promise<RegisteredVersion[]> {
  const models = [...new Set(rows.map(({ model }) => model))]
  if (models.length === 0) return []
  const idOf = (model: string, number: number) => `${number} ${model}`
  const tags = Map.groupBy(
    await db.selectFrom('version_tags').selectAll().where('model', 'in', models).orderBy('key').execute(),
    ({ model, number }) => idOf(model, number),
  )
  const aliases = Map.groupBy(
    await db.selectFrom('aliases').selectAll().where('model', 'in', models).orderBy('alias').execute(),
    ({ model, version }) => idOf(model, version),
  )
  return rows.map((row) => ({
    ...row,
    tags: (tags.get(idOf(row.model, row.number)) ?? []).map(({ key, value }) => ({ key, value })),
    aliases: (aliases.get(idOf(row.model, row.number)) ?? []).map(({ alias }) => alias),
  }))
}

/** The version that an alias points to. @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
export async function getVersionByAlias(db: Db, model: string, alias: string): Promise<RegisteredVersion> {
  const row = await db
    .selectFrom('aliases')
    .select('version')
    .where('model', '=', model)
    .where('alias', '=', alias)
    .executeTakeFirst()
  if (row === undefined) throw invalid(`Registered model alias ${alias} not found.`)
  return getRegisteredVersion(db, { model, number: row.version })
}

export async function describeVersion(
  db: Db,
  id: VersionId,
  { description, now }: { readonly description: string; readonly now: number },
): Promise<RegisteredVersion> {
  await findRegisteredVersion(db, id)
  await updateVersion(db, id, { description, updated_at: now })
  return getRegisteredVersion(db, id)
}

const updateVersion = (
  db: Db,
  { model, number }: VersionId,
  change: Partial<Pick<VersionRow, 'description' | 'stage' | 'updated_at' | 'deleted_at' | 'digest'>>,
) => db.updateTable('versions').set(change).where('model', '=', model).where('number', '=', number).execute()

/** The last one of a key is kept. @throws MlflowError INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST */
export async function putVersionTag(db: Db, id: VersionId, { key, value }: Tag): Promise<void> {
  assertRegistryTag({ key, value })
  await findRegisteredVersion(db, id)
  await db
    .insertInto('version_tags')
    .values({ ...id, key, value })
    .onConflict((conflict) => conflict.columns(['model', 'number', 'key']).doUpdateSet({ value }))
    .execute()
}

export async function deleteVersionTag(db: Db, { model, number }: VersionId, key: string): Promise<void> {
  await findRegisteredVersion(db, { model, number })
  await db
    .deleteFrom('version_tags')
    .where('model', '=', model)
    .where('number', '=', number)
    .where('key', '=', key)
    .execute()
}

const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const
export type Stage = (typeof STAGES)[number]

/** Any case. @throws MlflowError INVALID_PARAMETER_VALUE */
export function parseStage(text: string): Stage {
  const stage = STAGES.find((one) => one.toLowerCase() === text.toLowerCase())
  if (stage !== undefined) return stage
  throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${STAGES.join(', ')}.`)
}

export type StageChange = { readonly stage: Stage; readonly archiveOthers: boolean; readonly now: number }

/** @throws MlflowError INVALID_PARAMETER_VALUE where others would be archived for a stage that many may be in */
export async function moveToStage(db: Db, id: VersionId, change: StageChange): Promise<RegisteredVersion> {
  const { stage, archiveOthers, now } = change
  await findRegisteredVersion(db, id)
  if (archiveOthers) {
    if (stage !== 'Staging' && stage !== 'Production')
      throw invalid(
        `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are Staging, Production`,
      )
    await db
      .updateTable('versions')
      .set({ stage: 'Archived', updated_at: now })
      .where('model', '=', id.model)
      .where('number', '!=', id.number)
      .where('stage', '=', stage)
      .where('deleted_at', 'is', null)
      .execute()
  }
  await updateVersion(db, id, { stage, updated_at: now })
  return getRegisteredVersion(db, id)
}

/** It is gone for everybody and its aliases with it; its number is never given again. @throws MlflowError when it serves */
export async function deleteRegisteredVersion(db: Db, id: VersionId, now: number): Promise<void> {
  await findRegisteredVersion(db, id)
  const serving = await servingDeployment(db, id)
  if (serving !== undefined)
    throw invalid(
      `Model Version (name=${id.model}, version=${id.number}) serves the deployment '${serving}'; it cannot be deleted.`,
    )
  await db.deleteFrom('aliases').where('model', '=', id.model).where('version', '=', id.number).execute()
  await db.deleteFrom('version_tags').where('model', '=', id.model).where('number', '=', id.number).execute()
  // What it was made of may be registered again.
  await updateVersion(db, id, { deleted_at: now, updated_at: now, digest: digestOf(id) })
}

/** A deployment that any of its revisions in force needs the version for. */
async function servingDeployment(db: Db, { model, number }: VersionId): Promise<string | undefined> {
  const row = await db
    .selectFrom('deployments')
    .innerJoin('deployment_revisions', 'deployment_revisions.deployment', 'deployments.name')
    .select('deployments.name')
    .where('deployments.model', '=', model)
    .where('deployment_revisions.version', '=', number)
    .executeTakeFirst()
  return row?.name
}
