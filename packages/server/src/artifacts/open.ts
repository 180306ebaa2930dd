import type { BlobStore } from '../blobs/blob-store.ts'
import { s3Blobs } from '../blobs/s3.ts'
import { openS3, type S3Location, uriOf } from '../blobs/s3-client.ts'
import type { Db } from '../db/database.ts'
import { readIdentity } from '../db/identity.ts'
import type { Writer } from '../db/writer.ts'
import type { DataLayout } from '../layout.ts'
import { type DirectFiles, directFiles } from './direct-files.ts'
import { folderParts } from './folder-parts.ts'
import { type Owners, s3Owners } from './owners.ts'
import type { PartStore } from './part-store.ts'
import type { ArtifactFiles } from './put.ts'
import { s3Parts } from './s3-parts.ts'
import { createSigner, type Signer } from './signature.ts'
import { openUploads, type Uploads } from './uploads.ts'

/** A store of objects for files of runs and models. */
export type ArtifactStorage = S3Location & {
  /** Clients read and write there themselves; this server answers for no file. */
  readonly isDirect: boolean
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
  /** Files that clients wrote themselves; where there is no store of objects there are none. */
  readonly direct: DirectFiles | undefined
  /** Who keeps files in the store of objects; undefined: there is none. */
  readonly owners: Owners | undefined
}

type Parts = {
  readonly layout: Pick<DataLayout, 'parts' | 'incoming'>
  readonly dataKey: Buffer
  readonly db: Db
  readonly writer: Writer
  /** Of the data folder. */
  readonly blobs: BlobStore
  readonly now: () => number
  /** Undefined: with all other data. */
  readonly storage: ArtifactStorage | undefined
}

/** @throws Error when the store cannot be asked */
export async function openArtifacts({
  layout,
  dataKey,
  db,
  writer,
  now,
  ...parts
}: Parts): Promise<Artifacts> {
  const { blobs, partStore, direct, owners } = await openStores({ ...parts, db }, layout)
  const files: ArtifactFiles = { blobs, writer, now }
  const isDirect = parts.storage?.isDirect === true
  return {
    ...{ db, ...files, direct, owners, isDirect },
    uploads: await openUploads(layout.parts, partStore, files),
    signer: createSigner(dataKey, now),
    isHere: parts.storage === undefined,
    root: isDirect ? uriOf(parts.storage!) : 'mlflow-artifacts:/',
  }
}

type Stores = Pick<Artifacts, 'blobs' | 'direct' | 'owners'> & { readonly partStore: PartStore }

async function openStores(
  { db, blobs, storage }: Pick<Parts, 'db' | 'blobs' | 'storage'>,
  { incoming }: Pick<DataLayout, 'incoming'>,
): Promise<Stores> {
  if (storage === undefined)
    return { blobs, partStore: folderParts(incoming, blobs), direct: undefined, owners: undefined }
  const s3 = await openS3(storage)
  const owners = s3Owners(s3, await readIdentity(db))
  const [objects, parts] = [s3Blobs(s3), s3Parts(s3)]
  return {
    blobs: { ...objects, put: marked(owners, objects.put) },
    partStore: { ...parts, begin: marked(owners, parts.begin) },
    ...{ direct: directFiles(s3), owners },
  }
}

/** Nothing is stored before the others can see whose it is. */
const marked =
  <Given extends unknown[], Stored>({ mark }: Owners, store: (...given: Given) => Promise<Stored>) =>
  async (...given: Given): Promise<Stored> => {
    await mark()
    return store(...given)
  }
