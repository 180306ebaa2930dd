import { Readable } from 'node:stream'
import type { _Object } from '@aws-sdk/client-s3'
import type { Presigned } from '../blobs/blob-store.ts'
import { isMissing, OWN_FOLDERS, type S3 } from '../blobs/s3-client.ts'
import { MlflowError } from '../tracking/errors.ts'
import { type ArtifactPath, type FolderPath, parseFolder } from './path.ts'
import type { Entry } from './store.ts'

type DirectFile = { readonly path: string; readonly bytes: number }
/** `tag`: an ETag, as it is in a header; some stores have none for what did not come through them. */
type DirectHead = { readonly bytes: number; readonly tag: string | undefined }

/** Files that clients write to the store of objects themselves, under the names they have there. */
export type DirectFiles = {
  /** The folder that a location means there; undefined: it is elsewhere. @throws MlflowError INVALID_PARAMETER_VALUE */
  readonly folderOf: (uri: string) => FolderPath | undefined
  readonly list: (folder: FolderPath) => Promise<Entry[]>
  /** Files at any depth below a folder, under whatever names clients gave them; of the root, not those of the server. */
  readonly walk: (folder: FolderPath) => AsyncIterable<DirectFile>
  /** All that is below a folder, which is not the root. @returns how much it was */
  readonly removeBelow: (folder: ArtifactPath) => Promise<{ readonly files: number; readonly bytes: number }>
  /** Undefined: there is no such file. */
  readonly head: (path: ArtifactPath) => Promise<DirectHead | undefined>
  /** Bytes [start, end), the whole file by default. @param tag of the file it is to be, and of no other that took its place */
  readonly get: (
    path: ArtifactPath,
    part?: { readonly start: number; readonly end: number } & Pick<DirectHead, 'tag'>,
  ) => Promise<Readable>
  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  readonly presign: (
    path: ArtifactPath,
    presigned: Presigned,
  ) => Promise<{ readonly url: string; readonly bytes: number }>
}

/** Only what is below the location this server was given: it lends its own rights to whoever asks. */
export function directFiles(s3: S3): DirectFiles {
  const { sdk, client, bucket: Bucket } = s3
  const head = async (path: ArtifactPath): Promise<DirectHead | undefined> => {
    try {
      const found = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: s3.keyOf(path) }))
      return { bytes: found.ContentLength ?? 0, tag: found.ETag || undefined }
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
    async *walk(folder) {
      const folders = folder === '' ? await listTop(s3) : [`${folder}/`]
      for (const Prefix of folders)
        for await (const page of pagesBelow(s3, s3.keyOf(Prefix)))
          for (const { Key = '', Size = 0 } of page) yield { path: s3.nameOf(Key), bytes: Size }
    },
    async removeBelow(folder) {
      const removed = { files: 0, bytes: 0 }
      for await (const page of pagesBelow(s3, s3.keyOf(`${folder}/`))) {
        await removeAll(s3, page)
        removed.files += page.length
        for (const { Size = 0 } of page) removed.bytes += Size
      }
      return removed
    },
    head,
    async get(path, part) {
      if (part !== undefined && part.end <= part.start) return Readable.from([])
      const range = part && {
        Range: `bytes=${part.start}-${part.end - 1}`,
        ...(part.tag && { IfMatch: part.tag }),
      }
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: s3.keyOf(path), ...range }))
      return Body as Readable
    },
    async presign(path, { disposition, type, seconds }) {
      const object = { Bucket, Key: s3.keyOf(path) }
      const { bytes } = (await head(path)) ?? {}
      if (bytes === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `No such artifact: '${path}'`)
      const answer = { ResponseContentDisposition: disposition, ResponseContentType: type }
      return { url: await s3.signGet({ ...object, ...answer }, seconds), bytes }
    },
  }
}

/** Folders of the root, each with a slash behind it. */
async function listTop({ sdk, client, bucket: Bucket, ...s3 }: S3): Promise<string[]> {
  const folders: string[] = []
  const own = Object.values(OWN_FOLDERS).map((folder) => `${folder}/`)
  const top = { Bucket, Prefix: s3.keyOf(''), Delimiter: '/' }
  for await (const { CommonPrefixes = [] } of sdk.paginateListObjectsV2({ client }, top))
    for (const { Prefix = '' } of CommonPrefixes) folders.push(s3.nameOf(Prefix))
  return folders.filter((folder) => !own.includes(folder))
}

/** What the store lists at once: up to a thousand, as many as it deletes at once. */
async function* pagesBelow({ sdk, client, bucket: Bucket }: S3, Prefix: string): AsyncIterable<_Object[]> {
  for await (const { Contents = [] } of sdk.paginateListObjectsV2({ client }, { Bucket, Prefix }))
    if (Contents.length > 0) yield Contents
}

/** @throws Error of the store's, as any other of its errors, for the first that it kept */
async function removeAll({ sdk, client, bucket: Bucket }: S3, objects: readonly _Object[]): Promise<void> {
  const Objects = objects.map(({ Key }) => ({ Key }))
  const { Errors: [kept] = [], $metadata } = await client.send(
    new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
  )
  if (kept === undefined) return
  const error = new Error(`${kept.Key} was not deleted: ${kept.Message ?? ''}`)
  throw Object.assign(error, { name: kept.Code ?? 'Error', $metadata })
}
