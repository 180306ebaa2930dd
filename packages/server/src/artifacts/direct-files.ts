import type { Readable } from 'node:stream'
import type { Presigned } from '../blobs/blob-store.ts'
import { isMissing, type S3 } from '../blobs/s3-client.ts'
import { MlflowError } from '../tracking/errors.ts'
import { type ArtifactPath, type FolderPath, parseFolder } from './path.ts'
import type { Entry } from './store.ts'

/** Files that clients write to the store of objects themselves, under the names they have there. */
export type DirectFiles = {
  /** The folder that a location means there; undefined: it is elsewhere. @throws MlflowError INVALID_PARAMETER_VALUE */
  readonly folderOf: (uri: string) => FolderPath | undefined
  readonly list: (folder: FolderPath) => Promise<Entry[]>
  /** In bytes; undefined: there is no such file. */
  readonly sizeOf: (path: ArtifactPath) => Promise<number | undefined>
  readonly get: (path: ArtifactPath) => Promise<Readable>
  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  readonly presign: (
    path: ArtifactPath,
    presigned: Presigned,
  ) => Promise<{ readonly url: string; readonly bytes: number }>
}

/** Only what is below the location this server was given: it lends its own rights to whoever asks. */
export function directFiles(s3: S3): DirectFiles {
  const { sdk, client, bucket: Bucket } = s3
  const sizeOf = async (path: ArtifactPath): Promise<number | undefined> => {
    try {
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: s3.keyOf(path) }))
      return found.ContentLength ?? 0
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }
  return {
    folderOf: (uri) => (uri.startsWith(`${s3.uri}/`) ? parseFolder(uri.slice(s3.uri.length + 1)) : undefined),
    async list(folder) {
      const Prefix = s3.keyOf(folder === '' ? '' : `${folder}/`)
      const nameOf = (key = ''): string => key.slice(Prefix.length).replace(/\/$/, '')
      const entries: Entry[] = []
      for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket, Prefix, Delimiter: '/' })) {
        for (const { Prefix: key } of page.CommonPrefixes ?? [])
          entries.push({ name: nameOf(key), bytes: undefined })
        for (const { Key, Size = 0 } of page.Contents ?? []) entries.push({ name: nameOf(Key), bytes: Size })
      }
      return entries.filter(({ name }) => name !== '').sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    sizeOf,
    async get(path) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: s3.keyOf(path) }))
      return Body as Readable
    },
    async presign(path, { disposition, type, seconds }) {
      const object = { Bucket, Key: s3.keyOf(path) }
      const bytes = await sizeOf(path)
      if (bytes === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No such artifact: '${path}'`)
      const answer = { ResponseContentDisposition: disposition, ResponseContentType: type }
      return { url: await s3.signGet({ ...object, ...answer }, seconds), bytes }
    },
  }
}
