import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, readSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { MillwrightError } from '@millwright/contracts/errors'
import { isStorageFull, syncFolder } from '../durable.ts'
import { releasePiece } from '../release-piece.ts'
import type { Blob, BlobStore, PutOptions } from './blob-store.ts'

/** Pieces of a stream are written together from so many bytes on. */
const WRITTEN_AT_ONCE = 1 << 20
const DIGEST = /^[0-9a-f]{64}$/

/**
 * Blobs as files `sha256/ab/cdef…`. A stream is written to a name in `incoming`, synced, then renamed, so a blob that
 * can be seen is whole; both folders must lie on one file system.
 */
export function folderBlobs(folder: string, incoming: string): BlobStore {
  const root = join(folder, 'sha256')
  const pathOf = (digest: string): string => {
    if (!DIGEST.test(digest)) throw new RangeError(`blobs: ${digest.slice(0, 80)} is not a sha256`)
    return join(root, digest.slice(0, 2), digest.slice(2))
  }
  return {
    async put(source, options = {}) {
      const temporary = join(incoming, randomUUID())
      try {
        const written = await receive(source, temporary, options)
        await adopt(temporary, pathOf(written.digest))
        return written
      } catch (error) {
        if (isStorageFull(error)) throw new MillwrightError('STORAGE_FULL', {}, { cause: error })
        throw error
      } finally {
        await rm(temporary, { force: true }).catch(() => {})
      }
    },
    get(digest, range) {
      const end = range?.end === undefined ? {} : { end: range.end - 1 }
      if (range?.end !== undefined && range.end <= range.start) return Readable.from([])
      return createReadStream(pathOf(digest), { start: range?.start ?? 0, ...end })
    },
    async open(digest) {
      const file = await open(pathOf(digest), 'r')
      return {
        read: async (into, position) => (await file.read(into, 0, into.length, position)).bytesRead,
        readNow: (into, position) => readSync(file.fd, into, 0, into.length, position),
        close: () => file.close(),
      }
    },
    async head(digest) {
      const file = await statOf(pathOf(digest))
      return file === undefined ? undefined : { digest, bytes: file.size, modifiedAt: file.mtimeMs }
    },
    list: () => listBlobs(root),
    async delete(digest, before) {
      const path = pathOf(digest)
      if (before === undefined) await rm(path, { force: true })
      else await removeOld(path, join(incoming, randomUUID()), before)
    },
  }
}

/** Writes a stream to a new file, and waits until it is on the disk. @throws what `BlobStore.put` does */
export async function receive(
  source: Readable,
  path: string,
  options: PutOptions,
): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  let pieces: Uint8Array[] = []
  let waiting = 0
  const file = await open(path, 'wx')
  try {
    for await (const piece of source as AsyncIterable<Uint8Array>) {
      bytes += piece.length
      if (bytes > (options.maxBytes ?? Number.POSITIVE_INFINITY))
        throw new MillwrightError('BODY_TOO_LARGE', { limitBytes: options.maxBytes! })
      hash.update(piece)
      pieces.push(piece)
      waiting += piece.length
      if (waiting < WRITTEN_AT_ONCE) continue
      await writeWhole(file, pieces)
      if (options.ownsPieces) pieces.forEach(releasePiece)
      pieces = []
      waiting = 0
    }
    await writeWhole(file, pieces)
    await file.sync()
  } finally {
    await file.close()
  }
  const digest = hash.digest('hex')
  if (options.expected !== undefined && options.expected !== digest)
    throw new MillwrightError('DIGEST_MISMATCH', { expected: options.expected, got: digest })
  return { digest, bytes }
}

/** The system may take less than it is given. */
async function writeWhole(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  for (let left = pieces; left.length > 0; ) {
    let { bytesWritten } = await file.writev(left)
    left = left.flatMap((piece) => {
      const taken = Math.min(bytesWritten, piece.length)
      bytesWritten -= taken
      return taken === piece.length ? [] : [piece.subarray(taken)]
    })
  }
}

/** Gives a received file its name. A blob that is there is replaced by the same bytes: it may be damaged, and is young again. */
async function adopt(temporary: string, path: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  await rename(temporary, path)
  for (const named of [folder, dirname(folder), dirname(dirname(folder))]) await syncFolder(named)
}

/** Takes it away under another name first: whoever stores the same now makes it anew. */
async function removeOld(path: string, aside: string, before: number): Promise<void> {
  if (((await statOf(path))?.mtimeMs ?? before) >= before) return
  const isAside = await rename(path, aside).then(() => true, onMissing(false))
  if (!isAside) return
  if (((await statOf(aside))?.mtimeMs ?? 0) < before) await rm(aside, { force: true })
  else await rename(aside, path)
}

async function* listBlobs(root: string): AsyncIterable<Blob> {
  for (const prefix of await namesIn(root))
    for (const rest of await namesIn(join(root, prefix))) {
      const file = await statOf(join(root, prefix, rest))
      const digest = prefix + rest
      if (file !== undefined && DIGEST.test(digest))
        yield { digest, bytes: file.size, modifiedAt: file.mtimeMs }
    }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(onMissing([] as string[]))
const statOf = (path: string) => stat(path).catch(onMissing(undefined))

function onMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value
    throw error
  }
}
