import { listSegments, readSegment, type SegmentName, sealedPath } from '../segments/reader.ts'
import { decodeRecord, type LoggedRow, timeOfRecord } from '../segments/record.ts'
import { matchesQuery, mergeNewestFirst, type RowQuery } from './row-query.ts'

type Candidate = { readonly timeMs: number; readonly payload: Buffer }

/** Rows that are not in Parquet yet, those of segments still being written among them. */
export async function findInSegments(root: string, query: RowQuery): Promise<LoggedRow[]> {
  const wanted = textsOf(query)
  const candidates: Candidate[] = []
  for (const segment of await listSegments(root)) {
    for (const payload of await readPayloads(segment)) {
      const timeMs = timeOfRecord(payload)
      if (timeMs < query.sinceMs || timeMs >= query.untilMs) continue
      if (query.before !== undefined && timeMs > query.before.timeMs) continue
      if (wanted.every((text) => payload.includes(text))) candidates.push({ timeMs, payload })
    }
  }
  return newestMatches(candidates, query)
}

/** Cheap first sieve: the record must contain these bytes somewhere. */
function textsOf({ id, subject, requestId }: RowQuery): Buffer[] {
  return [id, subject, requestId].flatMap((value) =>
    value === undefined ? [] : [Buffer.from(JSON.stringify(value))],
  )
}

/** Parses from the newest on, and no more than the answer needs. */
function newestMatches(candidates: Candidate[], query: RowQuery): LoggedRow[] {
  candidates.sort((a, b) => b.timeMs - a.timeMs)
  const rows: LoggedRow[] = []
  for (const { timeMs, payload } of candidates) {
    if (rows.length >= query.limit && timeMs < rows[query.limit - 1]!.timeMs) break
    const row = decodeRecord(payload)
    if (row !== undefined && matchesQuery(row, query)) rows.push(row)
  }
  return mergeNewestFirst(rows, [], query.limit)
}

/** A segment may be sealed, and so renamed, between listing and reading. */
async function readPayloads(segment: SegmentName): Promise<readonly Buffer[]> {
  try {
    return (await readSegment(segment.path)).payloads
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return segment.sealed ? [] : readPayloads({ ...segment, path: sealedPath(segment), sealed: true })
}
