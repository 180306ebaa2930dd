import type { Logger } from 'pino'
import type { LoggedRow } from '../segments/record.ts'
import type { Access } from './access.ts'
import { type Analytics, WorkFailed } from './analytics.ts'
import { listFilesNewestFirst, type PartitionFile } from './partitions.ts'
import { mergeNewestFirst, type RowKey, type RowQuery } from './row-query.ts'
import { findInSegments } from './segment-rows.ts'

export type Sources = {
  readonly segmentsFolder: string
  readonly predictionsFolder: string
  readonly analytics: Analytics
  readonly access: Access
  readonly log: Pick<Logger, 'warn'>
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
  let searchedFiles = 0
  let rows = await findInSegments(sources.segmentsFolder, { ...query, limit: wanted })
  for await (const files of batchesOf(listFilesNewestFirst(sources.predictionsFolder, rangeOf(query)))) {
    const latestMs = files[0]!.maxMs
    if (rows.length === wanted && rows[wanted - 1]!.timeMs > latestMs) break
    if (searchedFiles > 0 && performance.now() > deadline) return pageOf(rows, query, latestMs)
    const paths = files.map(({ path }) => path)
    rows = mergeNewestFirst(rows, await findInFiles(sources, paths, { ...query, limit: wanted }), wanted)
    searchedFiles += files.length
  }
  return pageOf(rows, query)
}

/** A file that cannot be read hides its own rows, not those of the others. */
async function findInFiles(
  sources: Sources,
  files: readonly string[],
  query: RowQuery,
): Promise<LoggedRow[]> {
  try {
    return await sources.analytics.run('find', { files, query })
  } catch (error) {
    if (!(error instanceof WorkFailed)) throw error
    if (files.length === 1) {
      sources.log.warn({ error }, `${files[0]} cannot be read; its rows are left out`)
      return []
    }
  }
  const rows: LoggedRow[] = []
  for (const file of files) rows.push(...(await findInFiles(sources, [file], query)))
  return rows
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
