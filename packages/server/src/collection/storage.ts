import type { TrackingStorage } from '@millwright/contracts'
import { type RawBuilder, sql } from 'kysely'
import { UNCLAIMED_MS } from '../blobs/collect.ts'
import type { Db } from '../db/database.ts'
import { isSqlite } from '../db/dialect.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { listAllBlobs } from './referenced.ts'

/** The biggest folders that are told. */
const SHOWN = 20

type Share = { readonly files: number; readonly bytes: number }
type FolderShare = Share & { readonly folder: string }

/** Where the bytes of files are: by experiment, by run, by model, and what nothing needs. */
export async function reportStorage({ db, core, artifacts, now }: MlflowContext): Promise<TrackingStorage> {
  const [total] = await sharesBy(db, sql<string>`''`)
  const stored = await sql<{ bytes: number }>`
    select coalesce(sum(bytes), 0) as bytes from (select distinct digest, bytes from artifacts) as blobs`.execute(
    db,
  )
  const deleted = await sql<{ files: number; bytes: number }>`
    select count(*) as files, coalesce(sum(bytes), 0) as bytes from artifacts
    where ${secondPart(db)} in (select run_id from runs where lifecycle = 'deleted')`.execute(db)
  return {
    ...{ files: total?.files ?? 0, bytes: total?.bytes ?? 0, stored_bytes: Number(stored.rows[0]!.bytes) },
    unreferenced: artifacts.isHere ? await unreferenced(db, core, now() - UNCLAIMED_MS) : null,
    deleted: { files: Number(deleted.rows[0]!.files), bytes: Number(deleted.rows[0]!.bytes) },
    experiments: await nameExperiments(db, await sharesBy(db, firstPart(db))),
    biggest: await nameRuns(db, await sharesBy(db, ownFolder(db), SHOWN)),
    models: await bytesOfModels(db),
  }
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
    const row = known.get(`mlflow-artifacts:/${share.folder}`)
    return { ...share, experiment: row?.name ?? null, lifecycle: row?.lifecycle ?? null }
  })
}

async function nameRuns(db: Db, shares: readonly FolderShare[]): Promise<TrackingStorage['biggest']> {
  const idOf = (folder: string): string => folder.slice(folder.lastIndexOf('/') + 1)
  const ids = ['', ...shares.map(({ folder }) => idOf(folder))]
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
  return shares.map((share) => ({ ...share, name: names.get(idOf(share.folder)) ?? null }))
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

async function unreferenced(db: Db, { blobs }: MlflowContext['core'], before: number): Promise<Share> {
  const referenced = await listAllBlobs(db)
  const found = { files: 0, bytes: 0 }
  for await (const { digest, bytes, modifiedAt } of blobs.list()) {
    if (referenced.has(digest) || modifiedAt >= before) continue
    found.files += 1
    found.bytes += bytes
  }
  return found
}
