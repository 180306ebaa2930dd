import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from './blob-store.ts'

/** An upload may wait this long for the request that makes a version of it, in milliseconds. */
export const UNCLAIMED_MS = 60 * 60 * 1000

/** Removes half-received uploads; only while nothing is being received. */
export async function emptyIncoming(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true })
  const names = await readdir(folder)
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true })
  return names.length
}

/** Removes blobs that nothing refers to and that were stored before `before` (milliseconds since 1970). */
export async function collectBlobs(
  blobs: BlobStore,
  referenced: ReadonlySet<string>,
  before: number,
): Promise<number> {
  let removed = 0
  for await (const blob of blobs.list()) {
    if (referenced.has(blob.digest) || blob.modifiedAt >= before) continue
    await blobs.delete(blob.digest)
    removed += 1
  }
  return removed
}
