import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, type FolderPath, folderOfUri } from '../artifacts/path.ts'
import { deleteArtifacts, listFilesBelow } from '../artifacts/store.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'

/** Where a run or a logged model has its files; `name` is its id. */
export type Place = { readonly name: string; readonly uri: string }

type Counts = { files: number; bytes: number }

const add = (counts: Counts, { files, bytes }: Counts): void => {
  counts.files += files
  counts.bytes += bytes
}

/** Undefined: nothing of this server's, or all of it. */
const folderHere = ({ uri }: Place): ArtifactPath | undefined => folderOrNone(() => folderOfUri(uri))

/** Where clients wrote its files themselves: a folder of its own below the location of this server, and nothing else. */
function folderThere({ direct }: Pick<Artifacts, 'direct'>, { name, uri }: Place): ArtifactPath | undefined {
  const folder = folderOrNone(() => direct?.folderOf(uri))
  return folder !== undefined && `/${folder}`.endsWith(`/${name}/artifacts`) ? folder : undefined
}

/** What cannot be a folder is none. */
function folderOrNone(find: () => FolderPath | undefined): ArtifactPath | undefined {
  try {
    return find() || undefined
  } catch {
    return undefined
  }
}

/** Forgets the files of what is removed in the same change; those that clients wrote are noted, to be removed after it. */
export async function forgetFiles(
  tx: Db,
  artifacts: Artifacts,
  { place, counts }: { readonly place: Place; readonly counts: Counts },
): Promise<void> {
  const here = folderHere(place)
  if (here !== undefined) {
    add(counts, await countHere(tx, here))
    await deleteArtifacts(tx, here)
  }
  if (folderThere(artifacts, place) === undefined) return
  const { name, uri } = place
  await tx
    .insertInto('purged_files')
    .values({ name, uri })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ uri }))
    .execute()
}

/** What would be removed of it. @param isShared what is in the store of objects would stay */
export async function countFiles(
  db: Db,
  artifacts: Artifacts,
  { place, counts, isShared }: { place: Place; counts: Counts; isShared: boolean },
): Promise<void> {
  const here = folderHere(place)
  if (here !== undefined) add(counts, await countHere(db, here))
  const there = folderThere(artifacts, place)
  if (there === undefined || isShared) return
  for await (const { bytes } of artifacts.direct!.walk(there)) add(counts, { files: 1, bytes })
}

async function countHere(db: Db, folder: ArtifactPath): Promise<Counts> {
  const files = await listFilesBelow(db, folder)
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

type Purge = { readonly artifacts: Artifacts; readonly db: Db; readonly writer: Writer }

/** Removes what clients wrote for what is no more, also what an earlier removal did not come to. */
export async function removePurged({ db, artifacts, writer }: Purge, counts: Counts): Promise<void> {
  for (const place of await db.selectFrom('purged_files').selectAll().execute()) {
    const folder = folderThere(artifacts, place)
    if (folder === undefined) continue
    if (!(await isThere(db, place))) add(counts, await artifacts.direct!.removeBelow(folder))
    await writer.write((tx) => tx.deleteFrom('purged_files').where('name', '=', place.name).execute())
  }
}

/** What would be removed of what an earlier removal did not come to. */
export async function countPurged({ db, artifacts }: Omit<Purge, 'writer'>, counts: Counts): Promise<void> {
  for (const place of await db.selectFrom('purged_files').selectAll().execute())
    if (!(await isThere(db, place))) await countFiles(db, artifacts, { place, counts, isShared: false })
}

/** It may have been imported again meanwhile. */
async function isThere(db: Db, { name }: Place): Promise<boolean> {
  const run = await db.selectFrom('runs').select('id').where('run_id', '=', name).executeTakeFirst()
  const model = await db
    .selectFrom('logged_models')
    .select('id')
    .where('model_id', '=', name)
    .executeTakeFirst()
  return run !== undefined || model !== undefined
}
