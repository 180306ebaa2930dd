import { mediaTypeOf } from '../artifacts/media-type.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, nameOf } from '../artifacts/path.ts'
import { type Artifact, getArtifact } from '../artifacts/store.ts'
import { MlflowError } from '../tracking/errors.ts'
import { type ArtifactAnswer, type ArtifactRequest, headerOf, json } from './artifact-route.ts'
import { namesTag, parseRange } from './byte-range.ts'

/**
 * A file as it is, or the part of it that was asked for, for GET and HEAD. A browser keeps it as a file and runs nothing of
 * it: anybody who may track writes what is in it.
 * @throws MlflowError RESOURCE_DOES_NOT_EXIST
 */
export async function sendArtifact(
  { db, blobs }: Artifacts,
  path: ArtifactPath,
  { method, headers }: Pick<ArtifactRequest, 'method' | 'headers'>,
): Promise<ArtifactAnswer> {
  const artifact = await getArtifact(db, path)
  const tag = `"${artifact.digest}"`
  const common = headersOf(path, artifact, tag)
  if (namesTag(headerOf(headers, 'if-none-match') ?? '', tag)) return { status: 304, headers: common }
  if ((await blobs.head(artifact.digest)) === undefined)
    throw new MlflowError(
      'RESOURCE_DOES_NOT_EXIST',
      `The bytes of '${path}' are gone from the store; log it again`,
    )

  const range = wantedRange(headers, artifact, tag)
  if (range === 'unsatisfiable') return noSuchRange(artifact)
  const { start, end } = range ?? { start: 0, end: artifact.bytes }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...common,
      'content-length': String(end - start),
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${artifact.bytes}` }),
    },
    ...(method !== 'HEAD' && { body: { digest: artifact.digest, start, end } }),
  }
}

/** A range of what has changed since would not fit what the client has. */
const wantedRange = (headers: ArtifactRequest['headers'], { bytes }: Artifact, tag: string) => {
  const condition = headerOf(headers, 'if-range')
  return condition === undefined || condition.trim() === tag
    ? parseRange(headerOf(headers, 'range'), bytes)
    : undefined
}

const noSuchRange = ({ path, bytes }: Artifact): ArtifactAnswer => {
  const refusal = json(
    {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `'${path}' has ${bytes} bytes, none of them in this range`,
    },
    416,
  )
  return { ...refusal, headers: { ...refusal.headers, 'content-range': `bytes */${bytes}` } }
}

const headersOf = (path: ArtifactPath, { digest }: Artifact, tag: string) => ({
  'content-type': mediaTypeOf(nameOf(path)),
  'content-disposition': dispositionOf(nameOf(path)),
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'accept-ranges': 'bytes',
  etag: tag,
  'repr-digest': `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`,
  'cache-control': 'private, no-cache',
})

/** RFC 6266: the name as it is, and for old readers one of plain letters. */
export function dispositionOf(name: string): string {
  const plain = name.replaceAll(/[^\w.\- ]/g, '_')
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
  return plain === name
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
