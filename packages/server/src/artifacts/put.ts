import type { Readable } from 'node:stream'
import type { ObjectStore, PutOptions } from '../blobs/blob-store.ts'
import type { Writer } from '../db/writer.ts'
import type { ArtifactPath } from './path.ts'
import { putArtifact } from './store.ts'

export type ArtifactFiles = {
  readonly blobs: ObjectStore
  readonly writer: Writer
  readonly now: () => number
}

/**
 * Keeps a file under a path, whole or not at all.
 * @throws MlflowError INVALID_PARAMETER_VALUE; MillwrightError BODY_TOO_LARGE, DIGEST_MISMATCH, STORAGE_FULL
 */
export async function storeArtifact(
  { blobs, writer, now }: ArtifactFiles,
  path: ArtifactPath,
  source: Readable,
  options: PutOptions = {},
): Promise<void> {
  const blob = await blobs.put(source, options)
  await writer.write((db) => putArtifact(db, { path, ...blob, created_at: now() }))
}
