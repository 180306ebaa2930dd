import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { removeEmptyFolders } from './commit.ts'
import { HOUR_MS, listHoursNewestFirst, type PartitionFile } from './partitions.ts'
import { type Upkeep, withSizes } from './upkeep.ts'

export type Retention = {
  /** Rows older than this many days go; 0 keeps them. */
  readonly retentionDays: number
  /** The oldest rows go beyond this many bytes of Parquet; 0 keeps them. */
  readonly retentionBytes: number
}

export type Expired = { readonly removed: number; readonly removedBytes: number; readonly keptBytes: number }

type SizedFile = PartitionFile & { readonly bytes: number }

/** Removes whole files whose rows are all too old, or that are too many. */
export async function expireFiles(upkeep: Upkeep, retention: Retention): Promise<Expired> {
  const { doomed, keptBytes } = await chooseDoomed(upkeep, retention)
  const removedBytes = doomed.reduce((sum, { bytes }) => sum + bytes, 0)
  if (doomed.length === 0) return { removed: 0, removedBytes, keptBytes }
  await upkeep.access.exclusive(async () => {
    for (const { path } of doomed) {
      await rm(path, { force: true })
      await removeEmptyFolders(upkeep.layout.predictions, dirname(path))
    }
  })
  upkeep.log.info(
    { 'millwright.predictions.files': doomed.length, 'millwright.predictions.bytes': removedBytes },
    'logged predictions beyond retention were removed',
  )
  return { removed: doomed.length, removedBytes, keptBytes }
}

async function chooseDoomed(
  { layout, now }: Upkeep,
  { retentionDays, retentionBytes }: Retention,
): Promise<{ doomed: SizedFile[]; keptBytes: number }> {
  const oldestMs = retentionDays === 0 ? Number.NEGATIVE_INFINITY : now() - retentionDays * 24 * HOUR_MS
  const mostBytes = retentionBytes === 0 ? Number.POSITIVE_INFINITY : retentionBytes
  const doomed: SizedFile[] = []
  let keptBytes = 0
  const allTime = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER }
  for await (const hour of listHoursNewestFirst(layout.predictions, allTime)) {
    for (const file of (await withSizes(hour.files)).sort((a, b) => b.maxMs - a.maxMs)) {
      if (file.maxMs < oldestMs || keptBytes + file.bytes > mostBytes) doomed.push(file)
      else keptBytes += file.bytes
    }
  }
  return { doomed, keptBytes }
}
