import type { CollectedTracking } from '@millwright/contracts'
import type { Owners } from '../artifacts/owners.ts'
import { listArtifactBlobs } from '../artifacts/store.ts'
import { collectBlobs, UNCLAIMED_MS } from '../blobs/collect.ts'
import type { Db } from '../db/database.ts'
import { numbers } from '../db/dialect.ts'
import { recordEvent } from '../events/record.ts'
import type { MlflowContext } from '../mlflow/route.ts'
import { countFiles, countPurged, forgetFiles, type Place, removePurged } from './files.ts'
import { type Needed, readNeeded } from './needed.ts'
import { listAllBlobs } from './referenced.ts'

export type Collection = {
  /** Only what was deleted before, in milliseconds since 1970. */
  readonly before: number
  /** Names or ids of the only experiments; undefined: all. */
  readonly experiments?: readonly string[] | undefined
  readonly isDry: boolean
  readonly by: string
}

type Deps = Pick<MlflowContext, 'db' | 'writer' | 'core' | 'artifacts' | 'runTexts' | 'now'>
type Thing = Place & { readonly id: number }
type Counts = { -readonly [K in keyof CollectedTracking]: CollectedTracking[K] }

/** Runs removed in one change: writers wait no longer than for that. */
const AT_ONCE = 50

/**
 * Removes for good what was deleted: runs, logged models, experiments, their files, and then the blobs that nothing refers to. What
 * a registered version needs stays, and in a store of objects everything while another database has files there. The server
 * goes on meanwhile.
 * @throws Error of the store of objects, before anything is removed when it does not answer at all
 */
export async function collectTracking(deps: Deps, collection: Collection): Promise<CollectedTracking> {
  const { db } = deps
  const { isDry } = collection
  const counts: Counts = {
    ...{ dry_run: isDry, experiments: 0, runs: 0, logged_models: 0, files: 0, bytes: 0 },
    ...{ blobs: 0, blob_bytes: 0, kept: [] },
  }
  const isShared = await isStoreShared(deps.artifacts.owners, counts)
  const within = await experimentsOf(db, collection)
  for (const kind of [MODELS, RUNS])
    counts[kind.counted] = await remove(deps, { kind, collection, within, counts, isShared })
  counts.experiments = await removeExperiments(deps, { collection, within, counts })
  if (!isShared) await (isDry ? countPurged : removePurged)(deps, counts)
  await collect(deps, { counts, isShared })
  const { experiments, runs, logged_models, files, blobs } = counts
  if (!isDry && experiments + runs + logged_models + files + blobs > 0)
    await deps.writer.write((tx) =>
      recordEvent(tx, {
        ...{ at: deps.now(), by: collection.by, type: 'tracking.collected', subject: 'tracking' },
        data: { ...counts, kept: counts.kept.length },
      }),
    )
  return counts
}

/** Whether another database has files in the store of objects, too; says so. */
async function isStoreShared(owners: Owners | undefined, { dry_run, kept }: Counts): Promise<boolean> {
  if (owners === undefined) return false
  if (!dry_run) await owners.markAgain()
  const [other] = await owners.listOthers()
  if (other === undefined) return false
  kept.push({
    what: `files at ${owners.uri}`,
    because:
      'the server of another database keeps files there, too; give each a prefix of its own, or, ' +
      `if no server uses that database any longer, delete its mark ${owners.uri}/${other}`,
  })
  return true
}

/** Ids of the only experiments that are meant; undefined: all. */
async function experimentsOf(db: Db, { experiments }: Collection): Promise<number[] | undefined> {
  if (experiments === undefined) return undefined
  const rows = await db.selectFrom('experiments').select(['id', 'name']).execute()
  return rows
    .filter(({ id, name }) => experiments.includes(name) || experiments.includes(String(id)))
    .map(({ id }) => id)
}

/** Runs and logged models: how those that were deleted are found, and what goes with them. */
type Kind = {
  readonly counted: 'runs' | 'logged_models'
  readonly needed: keyof Needed
  /** @param only of these */
  readonly list: (db: Db, search: Search, only?: readonly number[]) => Promise<Thing[]>
  readonly purge: (db: Db, things: readonly Thing[]) => Promise<void>
}
type Search = { readonly before: number; readonly within: readonly number[] | undefined }

const RUNS: Kind = {
  ...{ counted: 'runs', needed: 'runs', purge: purgeRuns },
  list: (db, { before, within }, only) =>
    db
      .selectFrom('runs')
      .select(['id', 'run_id as name', 'artifact_uri as uri'])
      .where('lifecycle', '=', 'deleted')
      .where('deleted_at', '<=', before)
      .$if(within !== undefined, (query) => query.where('experiment', 'in', numbers(db, within!)))
      .$if(only !== undefined, (query) => query.where('id', 'in', numbers(db, only!)))
      .execute(),
}

const MODELS: Kind = {
  ...{ counted: 'logged_models', needed: 'models', purge: purgeModels },
  list: (db, { before, within }, only) =>
    db
      .selectFrom('logged_models')
      .innerJoin('experiments', 'experiments.id', 'logged_models.experiment')
      .select(['logged_models.id', 'model_id as name', 'artifact_uri as uri'])
      .where(({ eb, or, and }) =>
        or([
          eb('deleted_at', '<=', before),
          and([eb('experiments.lifecycle', '=', 'deleted'), eb('experiments.updated_at', '<=', before)]),
        ]),
      )
      .$if(within !== undefined, (query) => query.where('experiment', 'in', numbers(db, within!)))
      .$if(only !== undefined, (query) => query.where('logged_models.id', 'in', numbers(db, only!)))
      .execute(),
}

type Removal = {
  readonly kind: Kind
  readonly collection: Collection
  readonly within: readonly number[] | undefined
  readonly counts: Counts
  readonly isShared: boolean
}

/** @returns how many go */
async function remove(deps: Deps, removal: Removal): Promise<number> {
  const { db, writer, runTexts, artifacts } = deps
  const { kind, collection, within, counts, isShared } = removal
  const search = { before: collection.before, within }
  const things = await kind.list(db, search)
  const needed = (await readNeeded(db))[kind.needed]
  for (const { name } of things)
    if (needed.has(name)) counts.kept.push({ what: name, because: needed.get(name)! })
  const going = things.filter(({ name }) => !needed.has(name))
  let gone = 0
  for (let from = 0; from < going.length; from += AT_ONCE) {
    const some = going.slice(from, from + AT_ONCE)
    if (collection.isDry)
      for (const place of some) await countFiles(db, artifacts, { place, counts, isShared })
    const removed = collection.isDry
      ? some
      : await writer.write((tx) => removeSome(tx, deps, { ...removal, search, some }))
    gone += removed.length
    for (const { name } of removed) runTexts.forget(name)
  }
  return gone
}

/** Those that were restored or registered meanwhile stay. */
async function removeSome(
  tx: Db,
  { artifacts }: Deps,
  { kind, counts, search, some }: Removal & { readonly search: Search; readonly some: readonly Thing[] },
): Promise<readonly Thing[]> {
  const needed = (await readNeeded(tx))[kind.needed]
  const still = await kind.list(
    tx,
    search,
    some.map(({ id }) => id),
  )
  const going = still.filter(({ name }) => !needed.has(name))
  for (const place of going) await forgetFiles(tx, artifacts, { place, counts })
  if (going.length > 0) await kind.purge(tx, going)
  return going
}

const OF_RUN = ['metrics', 'latest_metrics', 'params', 'run_tags', 'run_datasets', 'run_models'] as const

async function purgeRuns(db: Db, runs: readonly Thing[]): Promise<void> {
  const ids = numbers(
    db,
    runs.map(({ id }) => id),
  )
  for (const table of OF_RUN) await db.deleteFrom(table).where('run', 'in', ids).execute()
  await db
    .deleteFrom('logged_model_metrics')
    .where(
      'run_id',
      'in',
      runs.map(({ name }) => name),
    )
    .execute()
  await db.deleteFrom('runs').where('id', 'in', ids).execute()
}

const OF_MODEL = ['logged_model_params', 'logged_model_tags', 'logged_model_metrics'] as const

async function purgeModels(db: Db, models: readonly Thing[]): Promise<void> {
  const ids = numbers(
    db,
    models.map(({ id }) => id),
  )
  for (const table of OF_MODEL) await db.deleteFrom(table).where('logged_model', 'in', ids).execute()
  await db.deleteFrom('logged_models').where('id', 'in', ids).execute()
}

/** Empty ones go; of one that holds what is needed the name is free again, too. @returns how many went */
async function removeExperiments(
  { db, writer }: Deps,
  { collection: { before, isDry }, within, counts }: Omit<Removal, 'kind' | 'isShared'>,
): Promise<number> {
  const deleted = (tx: Db) =>
    tx
      .selectFrom('experiments')
      .select(['id', 'name'])
      .where('lifecycle', '=', 'deleted')
      .where('updated_at', '<=', before)
      .where('id', '!=', 0)
      .$if(within !== undefined, (query) => query.where('id', 'in', numbers(tx, within!)))
  let count = 0
  for (const { id, name } of await deleted(db).execute()) {
    const isHeld = await writer.write(async (tx) => {
      if ((await deleted(tx).where('id', '=', id).executeTakeFirst()) === undefined) return true
      const held = await holdsAny(tx, id, isDry)
      if (!isDry) await (held ? freeName(tx, id, name) : purgeExperiment(tx, id))
      return held
    })
    if (isHeld) counts.kept.push({ what: `experiment ${name}`, because: 'it holds what is still there' })
    else count += 1
  }
  return count
}

/** Runs or models; in a trial, those that would stay. */
async function holdsAny(db: Db, experiment: number, isDry: boolean): Promise<boolean> {
  const runs = await db.selectFrom('runs').select('run_id').where('experiment', '=', experiment).execute()
  const models = await db
    .selectFrom('logged_models')
    .select('model_id')
    .where('experiment', '=', experiment)
    .execute()
  if (!isDry) return runs.length + models.length > 0
  const needed = await readNeeded(db)
  return (
    runs.some(({ run_id }) => needed.runs.has(run_id)) ||
    models.some(({ model_id }) => needed.models.has(model_id))
  )
}

const freeName = (db: Db, id: number, name: string) =>
  db
    .updateTable('experiments')
    .set({ name: name.endsWith(` (deleted ${id})`) ? name : `${name} (deleted ${id})` })
    .where('id', '=', id)
    .execute()

async function purgeExperiment(db: Db, id: number): Promise<void> {
  for (const table of ['datasets', 'experiment_tags'] as const)
    await db.deleteFrom(table).where('experiment', '=', id).execute()
  await db.deleteFrom('experiments').where('id', '=', id).execute()
}

/** Blobs of the data folder, and objects of the store that files of runs are in. */
async function collect(
  { db, core, artifacts, now }: Deps,
  { counts, isShared }: Pick<Removal, 'counts' | 'isShared'>,
): Promise<void> {
  const how = { before: now() - UNCLAIMED_MS, isDry: counts.dry_run }
  const found = [await collectBlobs(core.blobs, await listAllBlobs(db), how)]
  if (artifacts.owners !== undefined && !isShared)
    found.push(await collectBlobs(artifacts.blobs, await listArtifactBlobs(db), how))
  for (const { removed, bytes } of found) {
    counts.blobs += removed
    counts.blob_bytes += bytes
  }
}
