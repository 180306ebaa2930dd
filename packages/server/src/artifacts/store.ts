import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { invalid, MlflowError } from '../tracking/errors.ts'
import type { ArtifactPath, FolderPath } from './path.ts'

export type Artifact = Selectable<Tables['artifacts']>
/** What a folder shows: a file with its size, or a folder. */
export type Entry = { readonly name: string; readonly bytes: number | undefined }

/** All that begins with `a/` comes after it and before `a0`: `0` is the character after the slash. */
const below = (folder: FolderPath) =>
  folder === '' ? { from: '', to: undefined } : { from: `${folder}/`, to: `${folder}0` }

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function getArtifact(db: Db, path: ArtifactPath): Promise<Artifact> {
  const row = await db.selectFrom('artifacts').selectAll().where('path', '=', path).executeTakeFirst()
  if (row === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No such artifact: '${path}'`)
  return row
}

type NewArtifact = Omit<Artifact, 'path'> & { readonly path: ArtifactPath }

/** Takes the place of what was there. @throws MlflowError INVALID_PARAMETER_VALUE where a file would be a folder, too */
export async function putArtifact(db: Db, { path, ...file }: NewArtifact): Promise<void> {
  await assertPlace(db, path)
  await db
    .insertInto('artifacts')
    .values({ path, ...file })
    .onConflict((conflict) => conflict.column('path').doUpdateSet(file))
    .execute()
}

/** Clients keep a folder of artifacts as a folder of files, where a name is the one or the other. */
async function assertPlace(db: Db, path: ArtifactPath): Promise<void> {
  const names = path.split('/')
  const folders = names.slice(1).map((_, depth) => names.slice(0, depth + 1).join('/'))
  const file =
    folders.length === 0
      ? undefined
      : await db.selectFrom('artifacts').select('path').where('path', 'in', folders).executeTakeFirst()
  if (file !== undefined)
    throw invalid(`'${file.path}' is a file, so there can be no '${path}'; delete it or choose another name`)
  const [inside] = await listFilesBelow(db, path, { most: 1 })
  if (inside !== undefined)
    throw invalid(`'${path}' is a folder (it holds '${inside.path}'); delete it or choose another name`)
}

type Stretch = { readonly most?: number; readonly after?: string | undefined }

/** Files at any depth below a folder, in the order of their paths. @param stretch of them: behind a path, so many */
export function listFilesBelow(
  db: Db,
  folder: FolderPath,
  { most, after: behind }: Stretch = {},
): Promise<Artifact[]> {
  const { from, to } = below(folder)
  return db
    .selectFrom('artifacts')
    .selectAll()
    .where('path', '>=', from)
    .$if(behind !== undefined, (query) => query.where('path', '>', behind!))
    .$if(to !== undefined, (query) => query.where('path', '<', to!))
    .orderBy('path')
    .$if(most !== undefined, (query) => query.limit(most!))
    .execute()
}

/** Rows read at once: of a folder inside, no more than this are read before the rest of it is skipped. */
const STRIDE = 128

/**
 * Names in a folder, in order. Walks the index and jumps over what is inside of folders, so the cost is that of the names
 * shown, not of all files below. Of a file, and of what is not there, there are none.
 */
export async function listFolder(db: Db, folder: FolderPath): Promise<Entry[]> {
  const { from, to } = below(folder)
  const found = new Map<string, Entry>()
  for (let next: string | undefined = from; next !== undefined; ) {
    const rows = await readStride(db, next, to)
    for (const { path, bytes } of rows) {
      const slash = path.indexOf('/', from.length)
      const name = path.slice(from.length, slash === -1 ? undefined : slash)
      if (!found.has(name)) found.set(name, { name, bytes: slash === -1 ? bytes : undefined })
    }
    next = rows.length < STRIDE ? undefined : after(rows.at(-1)!.path, from.length)
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const readStride = (db: Db, from: string, to: string | undefined) =>
  db
    .selectFrom('artifacts')
    .select(['path', 'bytes'])
    .where('path', '>=', from)
    .$if(to !== undefined, (query) => query.where('path', '<', to!))
    .orderBy('path')
    .limit(STRIDE)
    .execute()

/** Where to go on: behind the whole folder that a file is in, or behind the file (no path holds a character as small). */
function after(path: string, start: number): string {
  const slash = path.indexOf('/', start)
  return slash === -1 ? `${path}\x01` : `${path.slice(0, slash)}0`
}

/** A file, or a folder with all that is in it; nothing when there is neither. */
export async function deleteArtifacts(db: Db, path: ArtifactPath): Promise<void> {
  const { from, to } = below(path)
  await db
    .deleteFrom('artifacts')
    .where(({ eb, and, or }) =>
      or([eb('path', '=', path), and([eb('path', '>=', from), eb('path', '<', to!)])]),
    )
    .execute()
}

/** What must be kept for them. */
export async function listArtifactBlobs(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('artifacts').select('digest').distinct().execute()
  return new Set(rows.map(({ digest }) => digest))
}
