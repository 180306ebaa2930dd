import type { AliasChange, Model } from '@millwright/contracts'
import type { Selectable } from 'kysely'
import type { Actor } from '../context.ts'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { type Page, type PageQuery, pageOf } from '../paging.ts'
import type { StoredVersion, VersionKey } from './model.ts'
import { digestsOf } from './parts.ts'

const parseJson = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T))
const toJson = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

function versionOf(row: Selectable<Tables['versions']>): StoredVersion {
  const { check_result, created_at, created_by, report, schema, contract, ...same } = row
  return {
    ...same,
    report: parseJson(report),
    schema: parseJson(schema),
    contract: parseJson(contract),
    check: parseJson(check_result),
    createdAt: created_at,
    createdBy: created_by,
  }
}

/** @returns whether the model is new */
export async function ensureModel(db: Db, name: string, now: number): Promise<boolean> {
  const rows = await db
    .insertInto('models')
    .values({ name, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('name')
    .execute()
  return rows.length > 0
}

export async function findModel(db: Db, name: string): Promise<Model | undefined> {
  const { items } = await readModels(db, { after: undefined, limit: 1 }, name)
  return items[0]
}

/** In order of creation. */
export const listModels = (db: Db, page: PageQuery): Promise<Page<Model>> => readModels(db, page)

async function readModels(db: Db, page: PageQuery, name?: string): Promise<Page<Model>> {
  const offset = page.after ?? 0
  let query = db
    .selectFrom('models')
    .select((column) => [
      'models.name',
      'models.created_at',
      column
        .selectFrom('versions')
        .whereRef('versions.model', '=', 'models.name')
        .where('deleted_at', 'is', null)
        .select((count) => count.fn.countAll<number>().as('count'))
        .as('versions'),
    ])
    .orderBy('models.created_at')
    .orderBy('models.name')
    .limit(page.limit + 1)
    .offset(offset)
  if (name !== undefined) query = query.where('models.name', '=', name)
  const rows = await query.execute()
  const names = rows.map((row) => row.name)
  const aliases =
    names.length === 0 ? [] : await db.selectFrom('aliases').selectAll().where('model', 'in', names).execute()
  const models = rows.map((row) => ({
    name: row.name,
    versions: Number(row.versions),
    aliases: Object.fromEntries(
      aliases.filter((alias) => alias.model === row.name).map((alias) => [alias.alias, alias.version]),
    ),
    created_at: new Date(row.created_at).toISOString(),
  }))
  return pageOf(models, page, () => offset + page.limit)
}

export async function findVersion(db: Db, key: VersionKey): Promise<StoredVersion | undefined> {
  const row = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', key.model)
    .where('number', '=', key.number)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && versionOf(row)
}

export async function findVersionByDigest(
  db: Db,
  model: string,
  digest: string,
): Promise<StoredVersion | undefined> {
  const row = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('digest', '=', digest)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row && versionOf(row)
}

/** Newest first. */
export async function listVersions(db: Db, model: string, page: PageQuery): Promise<Page<StoredVersion>> {
  let query = db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('deleted_at', 'is', null)
    .orderBy('number', 'desc')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('number', '<', page.after)
  return pageOf((await query.execute()).map(versionOf), page, (version) => version.number)
}

/** The newest version before this one that can serve. */
export async function findReadyBefore(
  db: Db,
  { model, number }: VersionKey,
): Promise<StoredVersion | undefined> {
  const row = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', '=', model)
    .where('state', '=', 'READY')
    .where('deleted_at', 'is', null)
    .where('number', '<', number)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && versionOf(row)
}

export async function listPending(db: Db): Promise<StoredVersion[]> {
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('state', '=', 'PENDING')
    .where('deleted_at', 'is', null)
    .orderBy('created_at')
    .execute()
  return rows.map(versionOf)
}

/** Labels in use and the next number of a model: no number is given twice, nor one that it had elsewhere. */
export async function readNumbering(db: Db, model: string): Promise<{ next: number; labels: Set<string> }> {
  const rows = await db
    .selectFrom('versions')
    .select(['number', 'label'])
    .where('model', '=', model)
    .execute()
  const elsewhere = await db
    .selectFrom('models')
    .select('last_number')
    .where('name', '=', model)
    .executeTakeFirst()
  return {
    next: rows.reduce((most, row) => Math.max(most, row.number), elsewhere?.last_number ?? 0) + 1,
    labels: new Set(rows.map((row) => row.label)),
  }
}

export type NewVersion = Pick<
  StoredVersion,
  | 'model'
  | 'number'
  | 'label'
  | 'digest'
  | 'parts'
  | 'sample'
  | 'filename'
  | 'bytes'
  | 'createdAt'
  | 'createdBy'
> & {
  /** The run that made it. */
  readonly runId: string | null
}

export async function insertVersion(db: Db, version: NewVersion): Promise<StoredVersion> {
  const { createdAt, createdBy, runId, ...same } = version
  const row = await db
    .insertInto('versions')
    .values({
      ...same,
      ...{ state: 'PENDING', attempts: 0, created_at: createdAt, created_by: createdBy, run_id: runId },
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  return versionOf(row)
}

/** Says which run made a version, of one that did not say so. */
export async function nameRun(db: Db, key: VersionKey, runId: string | undefined): Promise<void> {
  if (runId === undefined) return
  await db
    .updateTable('versions')
    .set({ run_id: runId })
    .where('model', '=', key.model)
    .where('number', '=', key.number)
    .where('run_id', 'is', null)
    .execute()
}

export type VersionChange = Partial<
  Pick<
    StoredVersion,
    'program' | 'sample' | 'state' | 'reason' | 'report' | 'schema' | 'contract' | 'check' | 'attempts'
  >
>

export async function updateVersion(db: Db, key: VersionKey, change: VersionChange): Promise<StoredVersion> {
  const { report, schema, contract, check, ...same } = change
  const row = await db
    .updateTable('versions')
    .set({
      ...same,
      ...(report === undefined ? {} : { report: toJson(report) }),
      ...(schema === undefined ? {} : { schema: toJson(schema) }),
      ...(contract === undefined ? {} : { contract: toJson(contract) }),
      ...(check === undefined ? {} : { check_result: toJson(check) }),
    })
    .where('model', '=', key.model)
    .where('number', '=', key.number)
    .returningAll()
    .executeTakeFirstOrThrow()
  return versionOf(row)
}

/** Every blob that a version needs. */
export async function listReferencedBlobs(db: Db): Promise<Set<string>> {
  const rows = await db
    .selectFrom('versions')
    .select(['digest', 'parts', 'program', 'sample'])
    .where('deleted_at', 'is', null)
    .execute()
  return new Set(
    rows.flatMap(({ digest, parts, program, sample }) =>
      [digest, program, sample, ...(parts === null ? [] : digestsOf(parts))].filter((name) => name !== null),
    ),
  )
}

export async function findAlias(db: Db, model: string, alias: string): Promise<number | undefined> {
  const row = await db
    .selectFrom('aliases')
    .select('version')
    .where('model', '=', model)
    .where('alias', '=', alias)
    .executeTakeFirst()
  return row?.version
}

export type AliasMove = Actor & {
  readonly model: string
  readonly alias: string
  readonly from: number | null
  readonly to: number
  readonly at: number
}

/** Points the alias and adds to its history. */
export async function writeAlias(db: Db, move: AliasMove): Promise<void> {
  await db
    .insertInto('aliases')
    .values({ model: move.model, alias: move.alias, version: move.to })
    .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version: move.to }))
    .execute()
  await db
    .insertInto('alias_changes')
    .values({
      model: move.model,
      alias: move.alias,
      from_version: move.from,
      to_version: move.to,
      changed_by: move.by,
      reason: move.reason ?? null,
      changed_at: move.at,
    })
    .execute()
}

/** Newest first. */
export async function listAliasChanges(
  db: Db,
  of: { model: string; alias: string },
  page: PageQuery,
): Promise<Page<AliasChange>> {
  let query = db
    .selectFrom('alias_changes')
    .selectAll()
    .where('model', '=', of.model)
    .where('alias', '=', of.alias)
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('id', '<', page.after)
  const { items, cursor } = pageOf(await query.execute(), page, (row) => row.id)
  const changes = items.map((row) => ({
    model: row.model,
    alias: row.alias,
    from: row.from_version,
    to: row.to_version,
    by: row.changed_by,
    reason: row.reason,
    at: new Date(row.changed_at).toISOString(),
  }))
  return { items: changes, cursor }
}
