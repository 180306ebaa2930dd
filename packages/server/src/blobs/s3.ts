import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { MillwrightError } from '@millwright/contracts/errors'
import { type Blob, hashOf, type ObjectStore, type PutOptions } from './blob-store.ts'
import { isMissing, OWN_FOLDERS, type S3 } from './s3-client.ts'

const DIGEST = /^[0-9a-f]{64}$/

/**
 * Blobs as objects `sha256/ab/cdef…`. What fits into one part is written under its name at once. What does not is written
 * under a name of its own, since its digest is known when all of it is there, and then copied by the store.
 */
export function s3Blobs(s3: S3): ObjectStore {
  const { sdk, client, bucket: Bucket } = s3
  const objectOf = (digest: string) => ({ Bucket, Key: blobKey(s3, digest) })
  const head = async (digest: string): Promise<Blob | undefined> => {
    try {
      const found = await client.send(new sdk.HeadObjectCommand(objectOf(digest)))
      return { digest, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified?.getTime() ?? 0 }
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
  return {
    put: (source, options = {}) => put(s3, source, options),
    get(digest, range) {
      const end = range?.end === undefined ? '' : range.end - 1
      if (range?.end !== undefined && range.end <= range.start) return Readable.from([])
      const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${end}` }
      return Readable.from(bytesOf(s3, { ...objectOf(digest), ...Range }), { objectMode: false })
    },
    head,
    list: () => listBlobs(s3),
    delete: (digest, before = Number.POSITIVE_INFINITY) =>
      s3.guard.delete(digest, async () => {
        if (((await head(digest))?.modifiedAt ?? before) >= before) return
        await client.send(new sdk.DeleteObjectCommand(objectOf(digest)))
      }),
    presign: (digest, { disposition, type, seconds }) =>
      s3.signGet(
        { ...objectOf(digest), ResponseContentDisposition: disposition, ResponseContentType: type },
        seconds,
      ),
  }
}

function blobKey(s3: S3, digest: string): string {
  if (!DIGEST.test(digest)) throw new RangeError(`blobs: ${digest.slice(0, 80)} is not a sha256`)
  return s3.keyOf(`${OWN_FOLDERS.blobs}/${digest.slice(0, 2)}/${digest.slice(2)}`)
}

/** What is no blob is not listed. The store has the times in whole seconds. */
async function* listBlobs({ sdk, client, bucket: Bucket, keyOf }: S3): AsyncIterable<Blob> {
  const Prefix = keyOf(`${OWN_FOLDERS.blobs}/`)
  for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket, Prefix }))
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      const [, start = '', rest = ''] = /^([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(Key.slice(Prefix.length)) ?? []
      if (rest !== '' && LastModified !== undefined)
        yield { digest: start + rest, bytes: Size, modifiedAt: LastModified.getTime() }
    }
}

/** A name for what is not whole yet. */
export const temporaryKey = (s3: S3): string => s3.keyOf(`${OWN_FOLDERS.incoming}/${randomUUID()}`)

async function* bytesOf(
  { sdk, client }: S3,
  object: { readonly Bucket: string; readonly Key: string; readonly Range?: string },
): AsyncIterable<Buffer> {
  const { Body } = await client.send(new sdk.GetObjectCommand(object))
  yield* Body as Readable
}

const MEBIBYTE = 1 << 20
const PART_BYTES = 8 * MEBIBYTE
/** Parts are numbered up to ten thousand: later ones are larger, so a file may have 300 GB. */
const partBytes = (number: number): number => PART_BYTES << Math.floor(number / 2500)

type Stored = { readonly digest: string; readonly bytes: number }

async function put(s3: S3, source: Readable, { expected, maxBytes }: PutOptions): Promise<Stored> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* counted(): AsyncIterable<Buffer> {
    for await (const piece of source as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (maxBytes !== undefined && bytes > maxBytes)
        throw new MillwrightError('BODY_TOO_LARGE', { limitBytes: maxBytes })
      hash.update(piece)
      yield piece
    }
  }
  const stored = (): Stored => {
    const digest = hash.digest('hex')
    if (expected !== undefined && expected !== digest)
      throw new MillwrightError('DIGEST_MISMATCH', { expected, got: digest })
    return { digest, bytes }
  }
  const parts = inParts(counted())
  const first = await parts.next()
  const second = await parts.next()
  if (second.done) {
    const { sdk, client, bucket: Bucket } = s3
    const whole = stored()
    const Body = first.value ?? Buffer.of()
    const object = { Bucket, Key: blobKey(s3, whole.digest), Body }
    await s3.guard.write(whole.digest, () => client.send(new sdk.PutObjectCommand(object)))
    return whole
  }
  const Key = temporaryKey(s3)
  await sendParts(s3, Key, chain([first.value as Buffer, second.value], parts))
  try {
    const whole = stored()
    await adopt(s3, Key, whole)
    return whole
  } finally {
    await remove(s3, Key)
  }
}

/** Pieces of any size as parts, of which only the last is smaller than it may be. */
async function* inParts(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let waiting: Buffer[] = []
  let bytes = 0
  let number = 1
  for await (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < partBytes(number)) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
    number += 1
  }
  if (bytes > 0) yield Buffer.concat(waiting)
  return undefined
}

async function* chain<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncIterable<T> {
  yield* first
  yield* rest
}

/** One after the other: the memory of an upload is that of a part. What fails leaves nothing. */
async function sendParts(
  { sdk, client, bucket: Bucket }: S3,
  Key: string,
  parts: AsyncIterable<Buffer>,
): Promise<void> {
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }))
  const upload = { Bucket, Key, UploadId }
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    for await (const Body of parts) {
      const PartNumber = Parts.length + 1
      const { ETag } = await client.send(new sdk.UploadPartCommand({ ...upload, PartNumber, Body }))
      Parts.push({ PartNumber, ETag })
    }
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => {})
    throw error
  }
}

/** What a store copies at once, and of what is larger, in parts. */
const COPY_BYTES = 5 * 1024 * MEBIBYTE
const COPY_PART_BYTES = 1024 * MEBIBYTE

/** Gives an object the name of its bytes. */
export const adopt = (s3: S3, from: string, stored: Stored): Promise<void> =>
  s3.guard.write(stored.digest, () => copy(s3, from, stored))

async function copy(s3: S3, from: string, { digest, bytes }: Stored): Promise<void> {
  const { sdk, client, bucket: Bucket } = s3
  const target = { Bucket, Key: blobKey(s3, digest), CopySource: `${Bucket}/${encodeURI(from)}` }
  if (bytes <= COPY_BYTES) {
    await client.send(new sdk.CopyObjectCommand(target))
    return
  }
  const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(target))
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (let start = 0; start < bytes; start += COPY_PART_BYTES) {
    const PartNumber = Parts.length + 1
    const CopySourceRange = `bytes=${start}-${Math.min(start + COPY_PART_BYTES, bytes) - 1}`
    const part = { ...target, UploadId, PartNumber, CopySourceRange }
    const { CopyPartResult } = await client.send(new sdk.UploadPartCopyCommand(part))
    Parts.push({ PartNumber, ETag: CopyPartResult?.ETag })
  }
  await client.send(
    new sdk.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
  )
}

export async function remove({ sdk, client, bucket: Bucket }: S3, Key: string): Promise<void> {
  await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))
}

/** What an object holds, read once. */
export async function describe(s3: S3, Key: string): Promise<Stored> {
  let bytes = 0
  async function* counted(): AsyncIterable<Buffer> {
    for await (const piece of bytesOf(s3, { Bucket: s3.bucket, Key })) {
      bytes += piece.length
      yield piece
    }
  }
  const digest = await hashOf(counted())
  return { digest, bytes }
}
