import { listArtifactBlobs } from '../artifacts/store.ts'
import type { Db } from '../db/database.ts'
import { listPrecomputedBlobs } from '../deployments/precomputed/store.ts'
import { listReferencedBlobs } from '../registry/store.ts'

/** Every blob that something here refers to. */
export async function listAllBlobs(db: Db): Promise<Set<string>> {
  return new Set([
    ...(await listReferencedBlobs(db)),
    ...(await listPrecomputedBlobs(db)),
    ...(await listArtifactBlobs(db)),
  ])
}
