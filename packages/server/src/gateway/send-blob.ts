import type { ServerResponse } from 'node:http'
import type { BlobStore } from '../blobs/blob-store.ts'
import type { BlobPart } from '../blobs/handover.ts'

const CHUNK_BYTES = 1 << 18

/**
 * Bytes of a blob as the body of an answer whose head is written when the blob is open. One buffer is filled and sent in
 * turn, so a download of any size takes this much memory.
 * @throws Error of the file system; before the head is written when the blob cannot be opened
 */
export async function sendBlob(
  blobs: Pick<BlobStore, 'open'>,
  { digest, start, end }: BlobPart,
  response: ServerResponse,
  writeHead: () => void,
): Promise<void> {
  const file = await blobs.open(digest)
  try {
    writeHead()
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - start))
    for (let position = start; position < end; ) {
      const bytes = await file.read(buffer.subarray(0, Math.min(buffer.length, end - position)), position)
      if (bytes === 0) throw new Error(`blob ${digest} ends at ${position}, before ${end}`)
      if (!(await written(response, buffer.subarray(0, bytes)))) return
      position += bytes
    }
    response.end()
  } finally {
    await file.close()
  }
}

/** Resolves when the bytes are with the system, to false when the caller is gone. */
const written = (response: ServerResponse, bytes: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => {
    response.write(bytes, (error) => resolve(error === undefined || error === null))
  })
