import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { receive } from '../blobs/folder.ts'
import { replaceFile, syncFolder } from '../durable.ts'
import { invalid, MlflowError } from '../tracking/errors.ts'
import type { ArtifactPath } from './path.ts'
import { type ArtifactFiles, storeArtifact } from './put.ts'

export type Part = { readonly number: number; readonly etag: string }

/**
 * Files that arrive in parts. Parts are kept as files until all are there, or the time for it is over; all of it is on the
 * disk, so an upload goes on after a restart.
 */
export type Uploads = {
  readonly create: (path: ArtifactPath, parts: number) => Promise<Upload>
  /** @returns its ETag @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  readonly putPart: (id: string, number: number, source: Readable) => Promise<string>
  /** Makes the file of its parts; saying it again does no harm. @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  readonly complete: (id: string, path: ArtifactPath, parts: readonly Part[]) => Promise<void>
  readonly abort: (id: string) => Promise<void>
}

export type Upload = {
  readonly id: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

type Begun = { readonly path: string; readonly parts: number; readonly isComplete: boolean }

type Folders = {
  /** One folder per upload. */
  readonly parts: string
  /** Where files are received, on the same file system. */
  readonly incoming: string
}

/** How long an upload may take, in seconds. */
const LIFETIME = 24 * 60 * 60
export const MOST_PARTS = 10_000

/** An id ends with the second in which it expires. */
const ID = /^[0-9a-f]{32}-(\d{1,12})$/
const expiryOf = (id: string): number => Number(ID.exec(id)?.[1] ?? 0)

export async function openUploads(folders: Folders, files: ArtifactFiles): Promise<Uploads> {
  const { now } = files
  await mkdir(folders.parts, { recursive: true })
  await removeExpired(folders.parts, now())
  /** A client that waited too long asks again. */
  const completing = new Map<string, Promise<void>>()

  const folderOf = (id: string): string => {
    if (expiryOf(id) * 1000 <= now()) throw noUpload(id)
    return join(folders.parts, id)
  }
  const find = async (id: string): Promise<Begun> =>
    JSON.parse(await readFile(join(folderOf(id), BEGUN), 'utf8').catch(onMissing(id))) as Begun

  const completeNow = async (id: string, path: ArtifactPath, parts: readonly Part[]): Promise<void> => {
    const begun = await find(id)
    if (begun.path !== path) throw noUpload(id)
    if (begun.isComplete) return
    const pieces = await piecesOf(folderOf(id), begun, parts)
    await storeArtifact(files, path, Readable.from(bytesOf(pieces)), { ownsPieces: true })
    await replaceFile(join(folderOf(id), BEGUN), JSON.stringify({ ...begun, isComplete: true }))
    await removePieces(folderOf(id))
  }
  return {
    async create(path, parts) {
      await removeExpired(folders.parts, now())
      const expiresAt = Math.floor(now() / 1000) + LIFETIME
      const id = `${randomUUID().replaceAll('-', '')}-${expiresAt}`
      await mkdir(join(folders.parts, id))
      const begun: Begun = { path, parts, isComplete: false }
      await replaceFile(join(folders.parts, id, BEGUN), JSON.stringify(begun))
      return { id, expiresAt }
    },
    async putPart(id, number, source) {
      const { parts, isComplete } = await find(id)
      if (isComplete || number < 1 || number > parts)
        throw invalid(`Upload ${id} takes no part ${number}: it is complete, or was begun for ${parts}`)
      return keepPart(source, join(folders.incoming, randomUUID()), (etag) =>
        join(folderOf(id), pieceName({ number, etag })),
      ).catch(onMissing(id))
    },
    complete(id, path, parts) {
      const key = `${id} ${path}`
      const running =
        completing.get(key) ?? completeNow(id, path, parts).finally(() => completing.delete(key))
      completing.set(key, running)
      return running
    },
    async abort(id) {
      if (ID.test(id)) await rm(join(folders.parts, id), { recursive: true, force: true })
    },
  }
}

/** What an upload is of. */
const BEGUN = 'upload.json'
/** Named by its bytes: one that is sent again with others does not take the place of what was promised. */
const pieceName = ({ number, etag }: Part): string => `${number}.${etag}`

const noUpload = (id: string): MlflowError =>
  new MlflowError(
    'RESOURCE_DOES_NOT_EXIST',
    `There is no upload ${id.slice(0, 64)} for this path: it was aborted or has expired; begin a new one`,
  )

function onMissing(id: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw error.code === 'ENOENT' ? noUpload(id) : error
  }
}

async function keepPart(
  source: Readable,
  temporary: string,
  placeOf: (etag: string) => string,
): Promise<string> {
  try {
    const { digest } = await receive(source, temporary, { ownsPieces: true })
    await rename(temporary, placeOf(digest))
    return digest
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Files of the parts, in their order. @throws MlflowError INVALID_PARAMETER_VALUE when one is not there or not named */
async function piecesOf(folder: string, begun: Begun, parts: readonly Part[]): Promise<string[]> {
  const inOrder = parts.toSorted((a, b) => a.number - b.number)
  if (inOrder.length !== begun.parts || inOrder.some(({ number }, i) => number !== i + 1))
    throw invalid(`All of the parts 1 to ${begun.parts} must be named, each once`)
  await syncFolder(folder)
  const there = new Set(await readdir(folder))
  const missing = inOrder.find((part) => !there.has(pieceName(part)))
  if (missing !== undefined)
    throw invalid(
      `Part ${missing.number} with ETag "${missing.etag.slice(0, 80)}" was not uploaded; send it again`,
    )
  return inOrder.map((part) => join(folder, pieceName(part)))
}

const PIECE_CHUNK_BYTES = 1 << 20

async function* bytesOf(pieces: readonly string[]): AsyncIterable<Buffer> {
  for (const piece of pieces) yield* createReadStream(piece, { highWaterMark: PIECE_CHUNK_BYTES })
}

async function removePieces(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name !== BEGUN) await rm(join(folder, name))
}

async function removeExpired(folder: string, now: number): Promise<void> {
  for (const id of await readdir(folder))
    if (expiryOf(id) * 1000 <= now) await rm(join(folder, id), { recursive: true, force: true })
}
