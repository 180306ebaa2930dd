import { SIGNED_PATHS } from '../access/signed-paths.ts'
import { mediaTypeOf } from '../artifacts/media-type.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, nameOf } from '../artifacts/path.ts'
import { getArtifact } from '../artifacts/store.ts'
import { invalid } from '../tracking/errors.ts'
import { dispositionOf } from './send-artifact.ts'

/** How long the address of a file is good, in seconds, and at most. */
const DOWNLOAD_SECONDS = 3600
const MOST_SECONDS = 604_800

export const SIGNED_FILES = `${SIGNED_PATHS}files/*`
export const SIGNED_PARTS = `${SIGNED_PATHS}parts/*`

/** What a signature allows. */
export const fetching = (path: ArtifactPath): string => `GET ${path}`
export const sendingPart = (upload: string, number: number): string => `PUT ${upload}/${number}`

export type AddressOf = { readonly origin: string; readonly seconds?: number | undefined }

/** What a store is told to say of a file that it hands out. @throws MlflowError INVALID_PARAMETER_VALUE */
export function presignedOf(path: ArtifactPath, seconds = DOWNLOAD_SECONDS) {
  if (seconds < 1 || seconds > MOST_SECONDS)
    throw invalid(`expiration must be between 1 and ${MOST_SECONDS} seconds (got ${seconds}).`)
  const name = nameOf(path)
  return { disposition: dispositionOf(name), type: mediaTypeOf(name), seconds }
}

/** An address at which anybody can fetch a file for a while. @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
export async function presign(
  { db, blobs, signer, now }: Artifacts,
  path: ArtifactPath,
  { origin, seconds }: AddressOf,
): Promise<{ readonly url: string; readonly bytes: number }> {
  const presigned = presignedOf(path, seconds)
  const { bytes, digest } = await getArtifact(db, path)
  if (blobs.presign !== undefined) return { url: await blobs.presign(digest, presigned), bytes }
  const query = signer.sign(fetching(path), Math.floor(now() / 1000) + presigned.seconds)
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return { url: `${origin}${SIGNED_FILES.replace('*', encoded)}?${query}`, bytes }
}
