import type { TrackingStorage } from '@millwright/contracts'
import { type RawBuilder, sql } from 'kysely'
import { listArtifactBlobs } from '../artifacts/store.ts'
import { collectBlobs, UNCLAIMED_MS } from '../blobs/collect.ts'
import type { Db } from '../db/database.ts'
import { isSqlite } from '../db/dialect.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import {
  type FolderShare,
  idOf,
  ofDeletedRuns,
  readDirectShares,
  type Share,
  sumOf,
} from './direct-shares.ts'
import { listAllBlobs } from './referenced.ts'

/** The biggest folders that are told. */
const SHOWN = 20

/** Where the bytes of files are: by experiment, by run, by model, and what nothing needs. */
export async function reportStorage(context: MlflowContext): Promise<TrackingStorage> {
  const { db, artifacts } = context
  const direct = await readDirectShares(artifacts)
  const total = sumOf([...(await sharesBy(db, sql<string>`''`)), ...direct.own])
  const deleted = sumOf([await readDeleted(db), ...(await ofDeletedRuns(db, direct.own))])
  const experiments = biggestFirst([...(await sharesBy(db, firstPart(db))), ...direct.experiments])
  const biggest = biggestFirst([...(await sharesBy(db, ownFolder(db), SHOWN)), ...direct.own])
  return {
    store: artifacts.owners?.uri ?? null,
    ...total,
    stored_bytes: (await readStoredBytes(db)) + sumOf(direct.own).bytes,
    unreferenced: await unreferenced(context),
    deleted,
    experiments: await nameExperiments(db, experiments),
    biggest: await nameRuns(db, biggest.slice(0, SHOWN)),
    models: await bytesOfModels(db),
  }
}

const biggestFirst = (shares: readonly FolderShare[]): FolderShare[] =>
  shares.toSorted((a, b) => b.bytes - a.bytes || (a.folder < b.folder ? -1 : 1))

/** Equal files once. */
async function readStoredBytes(db: Db): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(bytes), 0) as bytes from (select distinct digest, bytes from artifacts) as blobs`.execute(
    db,
  )
  return Number(rows[0]!.bytes)
}

async function readDeleted(db: Db): Promise<Share> {
  const { rows } = await sql<Share>`
    select count(*) as files, coalesce(sum(bytes), 0) as bytes from artifacts
    where ${secondPart(db)} in (select run_id from runs where lifecycle = 'deleted')`.execute(db)
  return { files: Number(rows[0]!.files), bytes: Number(rows[0]!.bytes) }
}

async function sharesBy(db: Db, folder: RawBuilder<string>, most = 100_000): Promise<FolderShare[]> {
  const { rows } = await sql<FolderShare>`
    select ${folder} as folder, count(*) as files, coalesce(sum(bytes), 0) as bytes from artifacts
    group by 1 order by 3 desc, 1 limit ${most}`.execute(db)
  return rows.map(({ folder: name, files, bytes }) => ({
    folder: name,
    files: Number(files),
    bytes: Number(bytes),
  }))
}

/** `3` of `3/abc/artifacts/x`. */
const firstPart = (db: Db): RawBuilder<string> =>
  isSqlite(db) ? sql`substr(path, 1, instr(path || '/', '/') - 1)` : sql`split_part(path, '/', 1)`

const rest = sql`substr(path, instr(path || '/', '/') + 1)`

/** `abc`. */
const secondPart = (db: Db): RawBuilder<string> =>
  isSqlite(db) ? sql`substr(${rest}, 1, instr(${rest} || '/', '/') - 1)` : sql`split_part(path, '/', 2)`

/** `3/abc`, or `3/models/m-…`: all before the files themselves. */
const ownFolder = (db: Db): RawBuilder<string> =>
  isSqlite(db)
    ? sql`case when instr(path, '/artifacts/') > 0 then substr(path, 1, instr(path, '/artifacts/') - 1) else ${firstPart(db)} end`
    : sql`case when strpos(path, '/artifacts/') > 0 then substr(path, 1, strpos(path, '/artifacts/') - 1) else split_part(path, '/', 1) end`

async function nameExperiments(
  db: Db,
  shares: readonly FolderShare[],
): Promise<TrackingStorage['experiments']> {
  const rows = await db.selectFrom('experiments').select(['name', 'lifecycle', 'artifact_location']).execute()
  const known = new Map(rows.map((row) => [row.artifact_location, row]))
  return shares.map((share) => {
    const row = known.get(share.folder) ?? known.get(`mlflow-artifacts:/${share.folder}`)
    return { ...share, experiment: row?.name ?? null, lifecycle: row?.lifecycle ?? null }
  })
}

async function nameRuns(db: Db, shares: readonly FolderShare[]): Promise<TrackingStorage['biggest']> {
  const ids = ['', ...shares.map(idOf)]
  const runs = await db.selectFrom('runs').select(['run_id', 'name']).where('run_id', 'in', ids).execute()
  const models = await db
    .selectFrom('logged_models')
    .select(['model_id', 'name'])
    .where('model_id', 'in', ids)
    .execute()
  const names = new Map([
    ...runs.map(({ run_id, name }) => [run_id, name] as const),
    ...models.map(({ model_id, name }) => [model_id, name] as const),
  ])
  return shares.map((share) => ({ ...share, name: names.get(idOf(share)) ?? null }))
}

async function bytesOfModels(db: Db): Promise<TrackingStorage['models']> {
  const rows = await db
    .selectFrom('versions')
    .select((column) => ['model', column.fn.countAll().as('versions'), column.fn.sum('bytes').as('bytes')])
    .where('deleted_at', 'is', null)
    .groupBy('model')
    .orderBy('model')
    .execute()
  return rows.map(({ model, versions, bytes }) => ({
    model,
    versions: Number(versions),
    bytes: Number(bytes),
  }))
}

/** What gc would find now; null: in the store of objects, another database needs what is not known here. */
async function unreferenced({ db, core, artifacts, now }: MlflowContext): Promise<Share | null> {
  const { owners, blobs } = artifacts
  const how = { before: now() - UNCLAIMED_MS, isDry: true }
  if (owners !== undefined && (await owners.listOthers()).length > 0) return null
  const found = [await collectBlobs(core.blobs, await listAllBlobs(db), how)]
  if (owners !== undefined) found.push(await collectBlobs(blobs, await listArtifactBlobs(db), how))
  return sumOf(found.map(({ removed, bytes }) => ({ files: removed, bytes })))
}
