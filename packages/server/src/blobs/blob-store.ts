import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'

export type Blob = { readonly digest: string; readonly bytes: number; readonly modifiedAt: number }

export type PutOptions = {
  /** More bytes than this are refused. */
  readonly maxBytes?: number
  /** sha256 the sender promised. */
  readonly expected?: string | undefined
  /** Nobody else reads these pieces, as of a request's body: their memory is given back when they are written. */
  readonly ownsPieces?: boolean
}

/** Bytes of a blob, from anywhere in it. */
export type RandomAccess = {
  /** Fills a buffer from a position on; how many bytes there were. */
  read(into: Buffer, position: number): Promise<number>
  /** The same, without leaving the thread: for small pieces that are read all the time. */
  readNow(into: Buffer, position: number): number
  close(): Promise<void>
}

/**
 * Immutable bytes, named by their sha256. A blob is whole or absent, whatever dies; it is overwritten by the same bytes alone.
 * Two implementations to come share this interface: a folder, and object stores.
 */
export interface BlobStore {
  /**
   * Stores a stream. What is there already is replaced by the same bytes: mended if it was damaged, and young again.
   * @throws MillwrightError BODY_TOO_LARGE, DIGEST_MISMATCH, STORAGE_FULL
   */
  put(source: Readable, options?: PutOptions): Promise<{ digest: string; bytes: number }>
  /** Bytes [start, end) as a stream; the whole blob by default. */
  get(digest: string, range?: { start: number; end?: number }): Readable
  /** Can be read until it is closed, even when it is deleted meanwhile. */
  open(digest: string): Promise<RandomAccess>
  head(digest: string): Promise<Blob | undefined>
  list(): AsyncIterable<Blob>
  /** What is being stored stays. @param before only when it was not stored again since, in milliseconds since 1970 */
  delete(digest: string, before?: number): Promise<void>
}

/** How a blob is fetched without this server. */
export type Presigned = {
  /** What the answer says of it. */
  readonly disposition: string
  readonly type: string
  /** For how long. */
  readonly seconds: number
}

/** As much of it as files of runs need, which may be in a store of objects elsewhere. */
export type ObjectStore = Pick<BlobStore, 'put' | 'get' | 'head' | 'list' | 'delete'> & {
  /** An address of the store itself, where it gives out such. */
  readonly presign?: (digest: string, presigned: Presigned) => Promise<string>
}

/** A whole blob in memory. */
export async function readBlob(blobs: BlobStore, digest: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of blobs.get(digest)) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The blob is there and its bytes are those it is named by. */
export async function isIntact(blobs: BlobStore, digest: string): Promise<boolean> {
  if ((await blobs.head(digest)) === undefined) return false
  return (await hashOf(blobs.get(digest))) === digest
}

export async function hashOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source) hash.update(chunk)
  return hash.digest('hex')
}
