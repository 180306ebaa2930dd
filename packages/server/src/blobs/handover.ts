/**
 * Between a gateway and control, over their socket: a gateway says that it can read blobs itself, and control answers with
 * the name of one instead of its bytes. They go one way less, and through one process less.
 */
export const READS_BLOBS = 'x-millwright-reads-blobs'
export const BLOB = 'x-millwright-blob'

/** Bytes [start, end) of a blob. */
export type BlobPart = { readonly digest: string; readonly start: number; readonly end: number }

export const writeBlobPart = ({ digest, start, end }: BlobPart): string => `${digest} ${start} ${end}`

export function readBlobPart(header: string): BlobPart {
  const [digest = '', start, end] = header.split(' ')
  return { digest, start: Number(start), end: Number(end) }
}
