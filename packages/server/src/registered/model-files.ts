import type { Readable } from 'node:stream'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, type FolderPath, folderOfUri, parsePath, pathIn } from '../artifacts/path.ts'
import type { BlobStore } from '../blobs/blob-store.ts'

/** A file of a model, wherever runs keep theirs. */
export type ModelFile = {
  readonly bytes: number
  /** Puts it among the blobs that versions are made of. @returns its digest */
  readonly store: (blobs: BlobStore) => Promise<string>
  readonly read: () => Promise<Readable>
}
/** By its name in the folder of a model. */
export type FindFile = (name: string) => Promise<ModelFile | undefined>

/** Undefined: this server does not read there. */
export function filesAt(artifacts: Artifacts, location: string): FindFile | undefined {
  const here = inFolder(() => folderOfUri(location))
  if (here !== undefined) return findIn(here, (path) => findHere(artifacts, path))
  const there = inFolder(() => artifacts.direct?.folderOf(location))
  return there === undefined ? undefined : findIn(there, (path) => findThere(artifacts, path))
}

/** What is no name of a file is not there. */
const findIn =
  (folder: FolderPath, find: (path: ArtifactPath) => Promise<ModelFile | undefined>): FindFile =>
  async (name) => {
    const path = inFolder(() => pathIn(folder, parsePath(name)))
    return path === undefined || path === '' ? undefined : find(path)
  }

/** A location that cannot be a folder is none. */
function inFolder(find: () => FolderPath | undefined): FolderPath | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}

async function findHere(
  { db, blobs, isHere }: Artifacts,
  path: ArtifactPath,
): Promise<ModelFile | undefined> {
  const row = await db
    .selectFrom('artifacts')
    .select(['digest', 'bytes'])
    .where('path', '=', path)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { digest, bytes } = row
  return {
    bytes,
    read: async () => blobs.get(digest),
    store: async (own) => (isHere ? digest : (await own.put(blobs.get(digest), { expected: digest })).digest),
  }
}

async function findThere({ direct }: Artifacts, path: ArtifactPath): Promise<ModelFile | undefined> {
  const found = await direct!.head(path)
  if (found === undefined) return undefined
  const read = (): Promise<Readable> => direct!.get(path)
  return { bytes: found.bytes, read, store: async (own) => (await own.put(await read())).digest }
}
