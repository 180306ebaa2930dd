import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from './blob-store.ts'

/** An upload may wait this long for the request that makes a version of it, in milliseconds. */
export const UNCLAIMED_MS = 60 * 60 * 1000

/** Removes half-received uploads; only while nothing is being received. */
export async function emptyIncoming(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true })
  const names = await readdir(folder)
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true })
  return names.length
}

type Collecting = {
  /** In milliseconds since 1970. */
  readonly before: number
  /** Only counts. */
  readonly isDry?: boolean
}

/**
 * Removes blobs that nothing refers to and that were stored before a time. Others may be stored meanwhile: what is referred to
 * after `referenced` was read was stored again just before, and is young.
 */
export async function collectBlobs(
  blobs: Pick<ObjectStore, 'list' | 'delete'>,
  referenced: ReadonlySet<string>,
  { before, isDry = false }: Collecting,
): Promise<{ removed: number; bytes: number }> {
  const found = { removed: 0, bytes: 0 }
  for await (const blob of blobs.list()) {
    if (referenced.has(blob.digest) || blob.modifiedAt >= before) continue
    if (!isDry) await blobs.delete(blob.digest, before)
    found.removed += 1
    found.bytes += blob.bytes
  }
  return found
}
