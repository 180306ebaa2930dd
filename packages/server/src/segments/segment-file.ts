import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../durable.ts'
import { type EncodedGroup, OPEN_SUFFIX, SEALED_SUFFIX, SEGMENT_HEADER } from './format.ts'

/** How far a write came: `records` of the group are whole in the file; `error` tells why the others are not. */
type GroupWrite = { readonly records: number; readonly error?: Error }

/** One segment being written. After an error it takes no more groups; `seal` it and start another. */
export type SegmentFile = {
  /** Bytes of the header and of whole records. */
  readonly size: () => number
  readonly write: (group: EncodedGroup) => Promise<GroupWrite>
  /** Everything written so far survives loss of power once this resolves. */
  readonly sync: () => Promise<void>
  /** Cuts off a torn tail, syncs, closes and renames to `.seg`; removes a segment without records. */
  readonly seal: () => Promise<void>
}

/** Creates `folder/id.open`. @throws the file system's error; nothing is left behind then */
export async function createSegmentFile(folder: string, id: string): Promise<SegmentFile> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, id + OPEN_SUFFIX)
  const handle = await open(path, 'wx')
  const header = await writeAll(handle, SEGMENT_HEADER)
  if (header.error !== undefined) {
    await handle.close()
    await unlink(path)
    throw header.error
  }
  return segmentFileOf(handle, { path, sealedPath: join(folder, id + SEALED_SUFFIX), folder })
}

function segmentFileOf(
  handle: FileHandle,
  names: { path: string; sealedPath: string; folder: string },
): SegmentFile {
  let size = SEGMENT_HEADER.length
  return {
    size: () => size,
    async write(group) {
      const { written, error } = await writeAll(handle, group.bytes)
      const records = error === undefined ? group.ends.length : countWhole(group.ends, written)
      if (records > 0) size += group.ends[records - 1]!
      return error === undefined ? { records } : { records, error }
    },
    sync: () => handle.datasync(),
    async seal() {
      const empty = size === SEGMENT_HEADER.length
      try {
        await handle.truncate(size)
        if (!empty) await handle.datasync()
      } finally {
        await handle.close()
      }
      if (empty) return unlink(names.path)
      await rename(names.path, names.sealedPath)
      await syncFolder(names.folder)
    },
  }
}

/** Appends all bytes unless the disk refuses some; never throws. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<{ written: number; error?: Error }> {
  let written = 0
  try {
    while (written < bytes.length) {
      written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten
    }
    return { written }
  } catch (error) {
    return { written, error: error as Error }
  }
}

function countWhole(ends: readonly number[], written: number): number {
  const torn = ends.findIndex((end) => end > written)
  return torn === -1 ? ends.length : torn
}
