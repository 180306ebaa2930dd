import type { LoggedRow } from '../segments/record.ts'
import type { Access } from './access.ts'
import type { Analytics } from './analytics.ts'
import { listFilesNewestFirst, type PartitionFile } from './partitions.ts'
import { mergeNewestFirst, type RowKey, type RowQuery } from './row-query.ts'
import { findInSegments } from './segment-rows.ts'

export type Sources = {
  readonly segmentsFolder: string
  readonly predictionsFolder: string
  readonly analytics: Analytics
  readonly access: Access
}

/** Rows found, and where to go on. A search that ran out of time may give few rows, or none, and go on. */
export type Found = { readonly rows: readonly LoggedRow[]; readonly next: RowKey | undefined }

/** A search for something rare stops here and lets the caller ask for the rest. */
const SEARCH_MS = 2000
const FIRST_BATCH_FILES = 4
const LAST_BATCH_FILES = 64

/**
 * The newest rows that match: those of segments, then Parquet from the newest file back, until nothing older can be
 * among the `limit` newest. The cost depends on how far back the rows lie, not on how many predictions there are.
 */
export function findRows(sources: Sources, query: RowQuery, searchMs = SEARCH_MS): Promise<Found> {
  return sources.access.shared(() => search(sources, query, performance.now() + searchMs))
}

async function search(sources: Sources, query: RowQuery, deadline: number): Promise<Found> {
  const wanted = query.limit + 1
  let rows = await findInSegments(sources.segmentsFolder, { ...query, limit: wanted })
  for await (const files of batchesOf(listFilesNewestFirst(sources.predictionsFolder, rangeOf(query)))) {
    const latestMs = files[0]!.maxMs
    if (rows.length === wanted && rows[wanted - 1]!.timeMs > latestMs) break
    if (performance.now() > deadline) return pageOf(rows, query, latestMs)
    const ask = { files: files.map(({ path }) => path), query: { ...query, limit: wanted } }
    rows = mergeNewestFirst(rows, await sources.analytics.run('find', ask), wanted)
  }
  return pageOf(rows, query)
}

/** @param searchedMs rows of this time and before were not looked for */
function pageOf(rows: readonly LoggedRow[], { limit }: RowQuery, searchedMs = -1): Found {
  const certain = rows.filter((row) => row.timeMs > searchedMs).slice(0, limit)
  if (certain.length < rows.length && certain.length === limit)
    return { rows: certain, next: keyOf(certain.at(-1)!) }
  return { rows: certain, next: searchedMs === -1 ? undefined : { timeMs: searchedMs + 1, id: '' } }
}

const keyOf = ({ timeMs, id }: LoggedRow): RowKey => ({ timeMs, id })

function rangeOf({ deployment, sinceMs, untilMs, before }: RowQuery) {
  return {
    deployment,
    sinceMs,
    untilMs: before === undefined ? untilMs : Math.min(untilMs, before.timeMs + 1),
  }
}

/** Few files first: most searches end there. */
async function* batchesOf(files: AsyncIterable<PartitionFile>): AsyncGenerator<PartitionFile[]> {
  let size = FIRST_BATCH_FILES
  let batch: PartitionFile[] = []
  for await (const file of files) {
    batch.push(file)
    if (batch.length < size) continue
    yield batch
    batch = []
    size = Math.min(size * 2, LAST_BATCH_FILES)
  }
  if (batch.length > 0) yield batch
}
