import { timeOfId } from '../ids.ts'
import { listSegments, type SegmentName } from '../segments/reader.ts'
import { replaceFiles, takeBytes, type Upkeep, withSizes } from './upkeep.ts'

/** Most bytes of segments in one go: their rows pass through the memory of the analytics process. */
const BATCH_BYTES = 16 << 20
/** A segment that could not be compacted is tried again after this, alone. */
const RETRY_MS = 60_000

export type CompactionLimits = {
  /** Sealed segments become Parquet once there are this many bytes of them … */
  readonly compactBytes: number
  /** … or the oldest was begun this long ago. */
  readonly compactMs: number
}

type SizedSegment = SegmentName & { readonly bytes: number }

/** @returns a function that turns sealed segments into Parquet when enough of them wait, and tells how many it turned */
export function createCompaction(upkeep: Upkeep, limits: CompactionLimits): () => Promise<number> {
  const retryAtMs = new Map<string, number>()
  return async () => {
    const sealed = (await listSegments(upkeep.layout.segments)).filter((segment) => segment.sealed)
    const batch = chooseBatch(await withSizes(sealed), retryAtMs, { ...limits, nowMs: upkeep.now() })
    if (batch.length === 0) return 0
    try {
      await compactBatch(upkeep, batch)
    } catch (error) {
      for (const { id } of batch) retryAtMs.set(id, upkeep.now() + RETRY_MS)
      upkeep.log.warn({ error }, `${batch.length} segment(s) could not be turned into Parquet; they are kept`)
      return 0
    }
    for (const { id } of batch) retryAtMs.delete(id)
    return batch.length
  }
}

/** Fresh segments together when enough wait; else one that failed before, so that it holds up no other. */
function chooseBatch(
  sealed: readonly SizedSegment[],
  retryAtMs: ReadonlyMap<string, number>,
  limits: CompactionLimits & { nowMs: number },
): SizedSegment[] {
  const fresh = sealed.filter(({ id }) => !retryAtMs.has(id))
  const bytes = fresh.reduce((sum, segment) => sum + segment.bytes, 0)
  const oldestMs = timeOfId(fresh[0]?.id ?? '') ?? Number.POSITIVE_INFINITY
  if (bytes >= limits.compactBytes || oldestMs + limits.compactMs <= limits.nowMs) {
    return takeBytes(fresh, BATCH_BYTES)
  }
  return sealed
    .filter(({ id }) => (retryAtMs.get(id) ?? Number.POSITIVE_INFINITY) <= limits.nowMs)
    .slice(0, 1)
}

async function compactBatch(upkeep: Upkeep, batch: readonly SizedSegment[]): Promise<void> {
  const segments = batch.map(({ path }) => path)
  await replaceFiles(upkeep, segments, async (staging) => {
    const ask = { segments, staging, id: upkeep.ids.next('') }
    const { files, lostBytes, malformed } = await upkeep.analytics.run('compact', ask)
    if (lostBytes > 0 || malformed > 0) {
      upkeep.log.warn(
        { 'millwright.segments.lost_bytes': lostBytes, 'millwright.segments.malformed': malformed },
        'segments held damaged records, which were left out',
      )
    }
    return files
  })
}
