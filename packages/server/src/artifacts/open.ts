import type { BlobStore, ObjectStore } from '../blobs/blob-store.ts'
import { s3Blobs } from '../blobs/s3.ts'
import { openS3 } from '../blobs/s3-client.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import type { DataLayout } from '../layout.ts'
import { folderParts } from './folder-parts.ts'
import type { PartStore } from './part-store.ts'
import type { ArtifactFiles } from './put.ts'
import { s3Parts } from './s3-parts.ts'
import { openSigner, type Signer } from './signature.ts'
import { openUploads, type Uploads } from './uploads.ts'

/** Where files of runs and models are kept. */
export type ArtifactStorage = {
  /** `s3://bucket/prefix`; undefined: with all other data. */
  readonly location?: string | undefined
  /** Of a server of objects other than Amazon's. */
  readonly endpoint?: string | undefined
  /** Clients read and write there themselves; this server answers for no file. */
  readonly isDirect?: boolean
}

/** Files of runs and models, and all that is done with them. */
export type Artifacts = ArtifactFiles & {
  /** For reading. */
  readonly db: Db
  readonly uploads: Uploads
  readonly signer: Signer
  /** The blobs are those of the data folder, which gateways read, too. */
  readonly isHere: boolean
  readonly isDirect: boolean
  /** Where new experiments keep their files, as clients are told. */
  readonly root: string
}

type Parts = {
  readonly layout: Pick<DataLayout, 'parts' | 'incoming' | 'signingKey'>
  readonly db: Db
  readonly writer: Writer
  /** Of the data folder. */
  readonly blobs: BlobStore
  readonly now: () => number
  readonly storage: ArtifactStorage
}

/** @throws Error when the location cannot be one */
export async function openArtifacts({ layout, db, writer, now, ...parts }: Parts): Promise<Artifacts> {
  const { location, isDirect = false } = parts.storage
  const { blobs, partStore } = await openStores(parts, layout)
  const files: ArtifactFiles = { blobs, writer, now }
  return {
    ...{ db, ...files },
    uploads: await openUploads(layout.parts, partStore, files),
    signer: await openSigner(layout.signingKey, now),
    isHere: blobs === parts.blobs,
    isDirect,
    root: isDirect && location !== undefined ? location : 'mlflow-artifacts:/',
  }
}

type Stores = { readonly blobs: ObjectStore; readonly partStore: PartStore }

async function openStores(
  { blobs, storage: { location, endpoint = '' } }: Pick<Parts, 'blobs' | 'storage'>,
  { incoming }: Pick<DataLayout, 'incoming'>,
): Promise<Stores> {
  if (location === undefined) return { blobs, partStore: folderParts(incoming, blobs) }
  const s3 = await openS3(location, endpoint)
  return { blobs: s3Blobs(s3), partStore: s3Parts(s3) }
}
