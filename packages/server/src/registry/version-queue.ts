import type { Context } from '../context.ts'
import { type StoredVersion, subjectOf, type VersionKey } from './model.ts'
import { processVersion } from './process-version.ts'
import { listPending } from './store.ts'

/** Reads model files one at a time: each may take as much memory as the reader is allowed. */
export type VersionQueue = {
  /** Settles when the version is READY or REFUSED; a version that is being read already is joined. */
  process(key: VersionKey): Promise<StoredVersion>
  /** Takes up what an earlier process left PENDING. */
  resume(): Promise<void>
  /** Settles when nothing is being read. */
  idle(): Promise<void>
}

export function createVersionQueue(context: Context): VersionQueue {
  const running = new Map<string, Promise<StoredVersion>>()
  let last: Promise<unknown> = Promise.resolve()

  const process = (key: VersionKey): Promise<StoredVersion> => {
    const id = subjectOf(key)
    const joined = running.get(id)
    if (joined !== undefined) return joined
    const work = last.then(() => processVersion(context, key)).finally(() => running.delete(id))
    running.set(id, work)
    last = work.catch(() => {})
    return work
  }

  return {
    process,
    async resume() {
      for (const version of await listPending(context.db))
        process(version).catch((error: unknown) =>
          context.log.error({ error, model: version.model, version: version.number }, 'still pending'),
        )
    },
    async idle() {
      while (running.size > 0) await last
    },
  }
}
