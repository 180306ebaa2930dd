import type { BlobStore } from '../blobs/blob-store.ts'
import type { Db } from '../db/database.ts'
import type { Writer } from '../db/writer.ts'
import type { DataLayout } from '../layout.ts'
import type { ArtifactFiles } from './put.ts'
import { openSigner, type Signer } from './signature.ts'
import { openUploads, type Uploads } from './uploads.ts'

/** Files of runs and models, and all that is done with them. */
export type Artifacts = ArtifactFiles & {
  /** For reading. */
  readonly db: Db
  readonly uploads: Uploads
  readonly signer: Signer
}

type Parts = {
  readonly layout: Pick<DataLayout, 'parts' | 'incoming' | 'signingKey'>
  readonly db: Db
  readonly writer: Writer
  readonly blobs: BlobStore
  readonly now: () => number
}

export async function openArtifacts({ layout, db, ...files }: Parts): Promise<Artifacts> {
  return {
    ...{ db, ...files },
    uploads: await openUploads(layout, files),
    signer: await openSigner(layout.signingKey, files.now),
  }
}
