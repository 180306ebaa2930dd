import type { Readable } from 'node:stream'
import type { DirectFiles } from '../artifacts/direct-files.ts'
import { mediaTypeOf } from '../artifacts/media-type.ts'
import type { Artifacts } from '../artifacts/open.ts'
import { type ArtifactPath, folderOfUri, nameOf, pathIn } from '../artifacts/path.ts'
import { getArtifact } from '../artifacts/store.ts'
import type { BlobPart } from '../blobs/handover.ts'
import { MlflowError } from '../tracking/errors.ts'
import { type ArtifactAnswer, type ArtifactRequest, headerOf, json } from './artifact-route.ts'
import { namesTag, parseRange } from './byte-range.ts'

type Asked = Pick<ArtifactRequest, 'method' | 'headers'>

/** A file, wherever it is. */
type StoredFile = {
  readonly path: ArtifactPath
  readonly bytes: number
  /** Its ETag, where it has one. */
  readonly tag: string | undefined
  /** sha256 of its bytes, where it is known. */
  readonly digest?: string
  readonly read: (part: { readonly start: number; readonly end: number }) => Promise<BlobPart | Readable>
}

/** A file at a location, be it here or in the store that clients use themselves. @throws MlflowError RESOURCE_DOES_NOT_EXIST; what `elsewhere` gives */
export function sendArtifactAt(
  artifacts: Artifacts,
  { uri, path, elsewhere }: { uri: string; path: ArtifactPath; elsewhere: (uri: string) => MlflowError },
  asked: Asked,
): Promise<ArtifactAnswer> {
  const here = folderOfUri(uri)
  if (here !== undefined) return sendArtifact(artifacts, pathIn(here, path), asked)
  const there = artifacts.direct?.folderOf(uri)
  if (there === undefined) throw elsewhere(uri)
  return sendDirect(artifacts.direct!, pathIn(there, path), asked)
}

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function sendArtifact(
  { db, blobs }: Artifacts,
  path: ArtifactPath,
  asked: Asked,
): Promise<ArtifactAnswer> {
  const { digest, bytes } = await getArtifact(db, path)
  const read = async (part: { start: number; end: number }) => ({ digest, ...part })
  const hasBytes = async () => (await blobs.head(digest)) !== undefined
  return send({ path, bytes, digest, tag: `"${digest}"`, read }, asked, hasBytes)
}

async function sendDirect(direct: DirectFiles, path: ArtifactPath, asked: Asked): Promise<ArtifactAnswer> {
  const found = await direct.head(path)
  if (found === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No such artifact: '${path}'`)
  return send({ path, ...found, read: (part) => direct.get(path, { ...part, tag: found.tag }) }, asked)
}

/**
 * A file as it is, or the part of it that was asked for, for GET and HEAD. A browser keeps it as a file and runs nothing of
 * it: anybody who may track writes what is in it.
 */
async function send(
  file: StoredFile,
  { method, headers }: Asked,
  hasBytes: () => Promise<boolean> = async () => true,
): Promise<ArtifactAnswer> {
  const common = headersOf(file)
  if (file.tag !== undefined && namesTag(headerOf(headers, 'if-none-match') ?? '', file.tag))
    return { status: 304, headers: common }
  if (!(await hasBytes()))
    throw new MlflowError(
      'RESOURCE_DOES_NOT_EXIST',
      `The bytes of '${file.path}' are gone from the store; log it again`,
    )
  const range = wantedRange(headers, file)
  if (range === 'unsatisfiable') return noSuchRange(file)
  const { start, end } = range ?? { start: 0, end: file.bytes }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...common,
      'content-length': String(end - start),
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes}` }),
    },
    ...(method !== 'HEAD' && { body: await file.read({ start, end }) }),
  }
}

/** A range of what has changed since would not fit what the client has. */
const wantedRange = (headers: ArtifactRequest['headers'], { bytes, tag }: StoredFile) => {
  const condition = headerOf(headers, 'if-range')
  return condition === undefined || condition.trim() === tag
    ? parseRange(headerOf(headers, 'range'), bytes)
    : undefined
}

const noSuchRange = ({ path, bytes }: StoredFile): ArtifactAnswer => {
  const refusal = json(
    {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: `'${path}' has ${bytes} bytes, none of them in this range`,
    },
    416,
  )
  return { ...refusal, headers: { ...refusal.headers, 'content-range': `bytes */${bytes}` } }
}

const headersOf = ({ path, tag, digest }: StoredFile) => ({
  'content-type': mediaTypeOf(nameOf(path)),
  'content-disposition': dispositionOf(nameOf(path)),
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'accept-ranges': 'bytes',
  ...(tag && { etag: tag }),
  ...(digest && { 'repr-digest': `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:` }),
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
