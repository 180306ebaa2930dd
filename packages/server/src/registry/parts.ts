import { Readable } from 'node:stream'
import { MillwrightError, manifestOf, PartsManifest } from '@millwright/contracts'
import { type BlobStore, readBlob } from '../blobs/blob-store.ts'
import type { Context } from '../context.ts'
import type { StoredVersion } from './model.ts'
import type { OtherParts } from './read-model.ts'

/** What a version is made of: the blob that names it, its manifest when there are several parts, and bytes of all. */
export type Identity = { readonly digest: string; readonly parts: string | null; readonly bytes: number }

/** Every upload that a version would be made of, once. */
export function uploadsOf(request: Parameters<typeof manifestOf>[0]): string[] {
  const manifest = manifestOf(request)
  return manifest === undefined ? [request.digest] : digestsOf(manifest)
}

/**
 * Finds the uploads of a version. A manifest of several is stored like a file, so that the same parts find the same
 * version. @throws MillwrightError UPLOAD_NOT_FOUND, BODY_TOO_LARGE
 */
export async function identify(
  { blobs, limits }: Pick<Context, 'blobs' | 'limits'>,
  request: Parameters<typeof manifestOf>[0],
): Promise<Identity> {
  const manifest = manifestOf(request)
  let bytes = 0
  for (const digest of uploadsOf(request)) {
    const upload = await blobs.head(digest)
    if (upload === undefined) throw new MillwrightError('UPLOAD_NOT_FOUND', { digest })
    bytes += upload.bytes
  }
  if (manifest === undefined) return { digest: request.digest, parts: null, bytes }
  if (bytes > limits.maxModelBytes)
    throw new MillwrightError('BODY_TOO_LARGE', { limitBytes: limits.maxModelBytes })
  const { digest } = await blobs.put(Readable.from([Buffer.from(manifest)]))
  return { digest, parts: manifest, bytes }
}

/** Every upload of a manifest, once. */
export function digestsOf(manifest: string): string[] {
  const { digest, after, encode } = PartsManifest.parse(JSON.parse(manifest))
  return [...new Set([digest, ...[...after, ...encode].map((part) => part.digest)])]
}

/** Bytes of a version's own file, and of what belongs to it; every upload is read once. */
export async function readFiles(
  blobs: BlobStore,
  version: Pick<StoredVersion, 'digest' | 'parts'>,
): Promise<{ bytes: Uint8Array; others: OtherParts | undefined }> {
  if (version.parts === null) return { bytes: await readBlob(blobs, version.digest), others: undefined }
  const { digest, key, after, encode, columns } = PartsManifest.parse(JSON.parse(version.parts))
  const contents = new Map<string, Uint8Array>()
  for (const each of digestsOf(version.parts)) contents.set(each, await readBlob(blobs, each))
  const partOf = (part: { digest: string; key?: string | undefined }) => ({
    bytes: contents.get(part.digest)!,
    key: part.key,
  })
  return {
    bytes: contents.get(digest)!,
    others: {
      key,
      after: after.map(partOf),
      encode: encode.map((part) => ({ column: part.column, ...partOf(part) })),
      columns,
    },
  }
}
