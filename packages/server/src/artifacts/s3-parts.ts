import { adopt, describe, remove, temporaryKey } from '../blobs/s3.ts'
import { isMissing, type S3 } from '../blobs/s3-client.ts'
import { invalid } from '../tracking/errors.ts'
import type { Part, PartStore } from './part-store.ts'

/** Of an upload that names parts the store does not have, or has too few bytes of. */
const REFUSED = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'])

/** Parts go to the store itself. The whole is read once by this server, for its digest, and copied by the store. */
export function s3Parts(s3: S3): PartStore {
  const { sdk, client, bucket: Bucket } = s3
  const uploadOf = (handle: string) => {
    const [Key = '', UploadId = ''] = handle.split('\n')
    return { Bucket, Key, UploadId }
  }
  return {
    async begin(parts, seconds) {
      const Key = temporaryKey(s3)
      const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }))
      const numbers = Array.from({ length: parts }, (_, index) => index + 1)
      const urls = numbers.map((PartNumber) => s3.signPart({ Bucket, Key, UploadId, PartNumber }, seconds))
      return { handle: `${Key}\n${UploadId}`, urls: await Promise.all(urls) }
    },
    async assemble({ handle }, parts) {
      const upload = uploadOf(handle)
      const Parts = parts.map(({ number, etag }: Part) => ({ PartNumber: number, ETag: `"${etag}"` }))
      try {
        await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
      } catch (error) {
        const { name, message } = error as Error
        if (REFUSED.has(name)) throw invalid(`The parts are not those that were uploaded: ${message}`)
        // It may have been completed before, by a request whose answer was lost.
        if (!isMissing(error)) throw error
      }
      const whole = await describe(s3, upload.Key)
      await adopt(s3, upload.Key, whole)
      return whole
    },
    async drop({ handle }) {
      const upload = uploadOf(handle)
      await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(unlessMissing)
      await remove(s3, upload.Key)
    },
  }
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
