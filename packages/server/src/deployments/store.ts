import type { ModelSchema } from '@millwright/contracts'
import { type Selectable, sql } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { type Page, type PageQuery, pageOf } from '../paging.ts'
import type { RoutedVersion } from '../routing/snapshot.ts'
import { listBeside } from './beside.ts'
import { buildConfig, type StoredDeployment, type StoredRevision } from './model.ts'
import { findPrecomputed } from './precomputed/store.ts'

type RevisionRow = Omit<Selectable<Tables['deployment_revisions']>, 'deployment'>

const revisionOf = (row: RevisionRow): StoredRevision => ({
  revision: row.revision,
  config: buildConfig({ version: row.version, ...JSON.parse(row.settings) }),
  action: row.action,
  by: row.changed_by,
  reason: row.reason,
  at: row.changed_at,
  restores: row.restores,
})

/** Deployments at their latest revision, joined with what they serve; oldest first. */
const latest = (db: Db) =>
  db
    .selectFrom('deployments as d')
    .innerJoin('deployment_revisions as r', (join) =>
      join
        .onRef('r.deployment', '=', 'd.name')
        .on(
          'r.revision',
          '=',
          sql<number>`(select max(revision) from deployment_revisions where deployment = d.name)`,
        ),
    )
    .innerJoin('versions as v', (join) =>
      join.onRef('v.model', '=', 'd.model').onRef('v.number', '=', 'r.version'),
    )
    .select(['d.name', 'd.model', 'd.is_default', 'd.created_at'])
    .select(['r.revision', 'r.version', 'r.settings', 'r.action', 'r.changed_by', 'r.reason', 'r.changed_at'])
    .select(['r.restores', 'v.label', 'v.digest', 'v.program', 'v.schema'])
    .orderBy('d.created_at')
    .orderBy('d.name')

type LatestRow = Awaited<ReturnType<ReturnType<typeof latest>['executeTakeFirstOrThrow']>>

async function deploymentOf(db: Db, row: LatestRow): Promise<StoredDeployment> {
  const revision = revisionOf(row)
  return {
    name: row.name,
    model: row.model,
    isDefault: row.is_default === 1,
    createdAt: row.created_at,
    revision,
    version: routedOf({ ...row, number: row.version }),
    ...(await listBeside(db, row.model, revision.config)),
    precomputed: await findPrecomputed(db, row.name),
  }
}

type VersionRow = Pick<Selectable<Tables['versions']>, 'number' | 'label' | 'digest' | 'program' | 'schema'>

/** A deployed version is READY, so it has a program and a schema. */
const routedOf = ({ number, label, digest, program, schema }: VersionRow): RoutedVersion => ({
  number,
  label,
  digest,
  program: program!,
  schema: JSON.parse(schema!) as ModelSchema,
})

async function deploymentsOf(db: Db, rows: readonly LatestRow[]): Promise<StoredDeployment[]> {
  const deployments: StoredDeployment[] = []
  for (const row of rows) deployments.push(await deploymentOf(db, row))
  return deployments
}

export async function findDeployment(db: Db, name: string): Promise<StoredDeployment | undefined> {
  const row = await latest(db).where('d.name', '=', name).executeTakeFirst()
  return row && deploymentOf(db, row)
}

export async function listDeployments(db: Db, page?: PageQuery): Promise<Page<StoredDeployment>> {
  if (page === undefined) return { items: await deploymentsOf(db, await latest(db).execute()), cursor: null }
  const offset = page.after ?? 0
  const rows = await latest(db)
    .limit(page.limit + 1)
    .offset(offset)
    .execute()
  return pageOf(await deploymentsOf(db, rows), page, () => offset + page.limit)
}

/** Deployments that pin a version of their API to this alias. */
export async function listPinnedTo(db: Db, model: string, alias: string): Promise<StoredDeployment[]> {
  const rows = await latest(db).where('d.model', '=', model).execute()
  const pinning = rows.filter((row) =>
    Object.values(revisionOf(row).config.pins ?? {}).some((pin) => 'alias' in pin && pin.alias === alias),
  )
  return deploymentsOf(db, pinning)
}

/** The deployment that the model's followed alias goes along with: its oldest. */
export async function findFollowedDeployment(db: Db, model: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('deployments')
    .select('name')
    .where('model', '=', model)
    .orderBy('created_at')
    .orderBy('name')
    .executeTakeFirst()
  return row?.name
}

export async function insertDeployment(
  db: Db,
  deployment: { name: string; model: string; createdAt: number },
): Promise<void> {
  const { name, model, createdAt } = deployment
  await db.insertInto('deployments').values({ name, model, is_default: 0, created_at: createdAt }).execute()
}

export async function hasDefault(db: Db): Promise<boolean> {
  const row = await db.selectFrom('deployments').select('name').where('is_default', '=', 1).executeTakeFirst()
  return row !== undefined
}

export async function writeDefault(db: Db, name: string): Promise<void> {
  await db
    .updateTable('deployments')
    .set((column) => ({ is_default: column.case().when('name', '=', name).then(1).else(0).end() }))
    .execute()
}

export async function insertRevision(db: Db, deployment: string, revision: StoredRevision): Promise<void> {
  const { version, ...settings } = revision.config
  await db
    .insertInto('deployment_revisions')
    .values({
      deployment,
      revision: revision.revision,
      version,
      settings: JSON.stringify(settings),
      action: revision.action,
      changed_by: revision.by,
      reason: revision.reason,
      changed_at: revision.at,
      restores: revision.restores,
    })
    .execute()
}

export async function findRevision(
  db: Db,
  deployment: string,
  revision: number,
): Promise<StoredRevision | undefined> {
  const row = await db
    .selectFrom('deployment_revisions')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('revision', '=', revision)
    .executeTakeFirst()
  return row && revisionOf(row)
}

/** Newest first. */
export async function listRevisions(
  db: Db,
  deployment: string,
  page: PageQuery,
): Promise<Page<StoredRevision>> {
  let query = db
    .selectFrom('deployment_revisions')
    .selectAll()
    .where('deployment', '=', deployment)
    .orderBy('revision', 'desc')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('revision', '<', page.after)
  return pageOf((await query.execute()).map(revisionOf), page, (revision) => revision.revision)
}

/** Counts changes of what gateways serve. */
export async function readEpoch(db: Db): Promise<number> {
  const row = await db.selectFrom('routing').select('epoch').where('id', '=', 1).executeTakeFirst()
  return row?.epoch ?? 0
}

export async function writeEpoch(db: Db, epoch: number): Promise<void> {
  await db
    .insertInto('routing')
    .values({ id: 1, epoch })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ epoch }))
    .execute()
}

/** Inside the transaction of a change that gateways must take up. */
export const advanceEpoch = async (tx: Db): Promise<void> => writeEpoch(tx, (await readEpoch(tx)) + 1)
