import type { BlobStore } from './blobs/blob-store.ts'
import type { Db } from './db/database.ts'
import type { ReadModel } from './registry/read-model.ts'

/** What a use case of control may reach. Made once, in control/main.ts and in tests. */
export type Context = {
  readonly db: Db
  readonly blobs: BlobStore
  /** Reads a model file as inert data, away from this thread. */
  readonly readModel: ReadModel
  /** Makes committed changes known to gateways and waits until they follow. */
  readonly routing: { publish(): Promise<void> }
  readonly now: () => number
  readonly log: Log
  readonly limits: { readonly maxModelBytes: number }
}

/** The part of a logger that use cases need. */
export type Log = {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Who changes something, and why: kept in histories and the event log. */
export type Actor = { readonly by: string; readonly reason?: string | undefined }
