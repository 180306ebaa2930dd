import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { replaceFile } from '../durable.ts'
import { invalid, MlflowError } from '../tracking/errors.ts'
import type { Begun, Part, PartStore } from './part-store.ts'
import type { ArtifactPath } from './path.ts'
import type { ArtifactFiles } from './put.ts'
import { putArtifact } from './store.ts'

/**
 * Files that arrive in parts. What is known of an upload is a file in a folder of its own, so it goes on after a restart;
 * what is not finished in its time is removed when the next one begins.
 */
export type Uploads = {
  readonly create: (path: ArtifactPath, parts: number) => Promise<Upload>
  /** @returns its ETag @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  readonly putPart: (id: string, number: number, source: Readable) => Promise<string>
  /** Makes the file of its parts; saying it again does no harm. @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  readonly complete: (id: string, path: ArtifactPath, parts: readonly Part[]) => Promise<void>
  /** An upload to another path is not touched. */
  readonly abort: (id: string, path: ArtifactPath) => Promise<void>
}

type Upload = {
  readonly id: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Where the parts go, when not to this server. */
  readonly urls: readonly string[] | undefined
}

type Kept = {
  readonly path: string
  readonly parts: number
  readonly handle: string
  readonly isComplete: boolean
}

/** How long an upload may take, in seconds. */
const LIFETIME = 24 * 60 * 60
export const MOST_PARTS = 10_000

/** An id ends with the second in which it expires. */
const ID = /^[0-9a-f]{32}-(\d{1,12})$/
const expiryOf = (id: string): number => Number(ID.exec(id)?.[1] ?? 0)

/** What is known of an upload. */
const KEPT = 'upload.json'

export async function openUploads(root: string, store: PartStore, files: ArtifactFiles): Promise<Uploads> {
  const { now, writer } = files
  const folderOf = (id: string): string => join(root, id)
  const isOver = (id: string): boolean => expiryOf(id) * 1000 <= now()

  const read = async (id: string): Promise<Kept> =>
    JSON.parse(await readFile(join(folderOf(id), KEPT), 'utf8').catch(onMissing(id))) as Kept
  const find = async (id: string): Promise<Kept & Begun> => {
    if (isOver(id)) throw noUpload(id)
    return { ...(await read(id)), folder: folderOf(id) }
  }
  const forget = async (id: string): Promise<void> => {
    const folder = folderOf(id)
    const kept = await read(id).catch(() => undefined)
    if (kept !== undefined && !kept.isComplete) await store.drop({ ...kept, folder })
    await rm(folder, { recursive: true, force: true })
  }
  const forgetOld = async (): Promise<void> => {
    for (const id of await readdir(root)) if (isOver(id)) await forget(id)
  }

  const completeNow = async (id: string, path: ArtifactPath, parts: readonly Part[]): Promise<void> => {
    const upload = await find(id)
    if (upload.path !== path) throw noUpload(id)
    if (upload.isComplete) return
    const blob = await store.assemble(upload, inOrder(parts, upload.parts))
    await writer.write((db) => putArtifact(db, { path, ...blob, created_at: now() }))
    const { folder, ...kept } = upload
    await replaceFile(join(folder, KEPT), JSON.stringify({ ...kept, isComplete: true }))
    await store.drop(upload)
  }
  /** A client that waited too long asks again. */
  const completing = new Map<string, Promise<void>>()

  await mkdir(root, { recursive: true })
  await forgetOld()
  return {
    async create(path, parts) {
      await forgetOld()
      const expiresAt = Math.floor(now() / 1000) + LIFETIME
      const id = `${randomUUID().replaceAll('-', '')}-${expiresAt}`
      const { handle, urls } = await store.begin(parts, LIFETIME)
      await mkdir(folderOf(id))
      const kept: Kept = { path, parts, handle, isComplete: false }
      await replaceFile(join(folderOf(id), KEPT), JSON.stringify(kept))
      return { id, expiresAt, urls }
    },
    async putPart(id, number, source) {
      const upload = await find(id)
      if (store.keep === undefined || upload.isComplete || number < 1 || number > upload.parts)
        throw invalid(
          `Upload ${id} takes no part ${number}: it is complete, or was begun for ${upload.parts}`,
        )
      return store.keep(upload, number, source).catch(onMissing(id))
    },
    complete(id, path, parts) {
      const key = `${id} ${path}`
      const running =
        completing.get(key) ?? completeNow(id, path, parts).finally(() => completing.delete(key))
      completing.set(key, running)
      return running
    },
    async abort(id, path) {
      if (!ID.test(id)) return
      const kept = await read(id).catch(() => undefined)
      if (kept?.path === path) await forget(id)
    },
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE unless each part is named once */
function inOrder(parts: readonly Part[], expected: number): Part[] {
  const sorted = parts.toSorted((a, b) => a.number - b.number)
  if (sorted.length !== expected || sorted.some(({ number }, i) => number !== i + 1))
    throw invalid(`All of the parts 1 to ${expected} must be named, each once`)
  return sorted
}

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
