import { stat } from 'node:fs/promises'
import { startOfRun, timeOfId } from '../ids.ts'
import { decodeRows } from '../segments/block.ts'
import { listSegments, readSegment, type SegmentName, sealedPath } from '../segments/reader.ts'
import { type LoggedRow, timeOfRecord } from '../segments/record.ts'
import { matchesQuery, mergeNewestFirst, type RowQuery } from './row-query.ts'

type Candidate = { readonly timeMs: number; readonly payload: Buffer }

/** How far behind the time of a record its write may seem to lie: coarse file times, small steps of the clock. */
const CLOCK_SLACK_MS = 2_000

/**
 * Rows that are not in Parquet yet, those of segments still being written among them. One segment is in memory at a
 * time; older ones are left alone once nothing in them can be among the newest `limit` rows.
 */
export async function findInSegments(root: string, query: RowQuery): Promise<LoggedRow[]> {
  let rows: LoggedRow[] = []
  for (const { segment, writtenMs } of await listLastWrittenFirst(root)) {
    const latestMs = writtenMs + CLOCK_SLACK_MS
    const oldestWanted = rows.length === query.limit ? rows[query.limit - 1]!.timeMs : query.sinceMs
    if (latestMs < oldestWanted) break
    rows = mergeNewestFirst(rows, newestMatches(await readCandidates(segment, query), query), query.limit)
  }
  return rows
}

async function listLastWrittenFirst(root: string): Promise<{ segment: SegmentName; writtenMs: number }[]> {
  const segments = await listSegments(root)
  const dated = segments.map(async (segment) => ({
    segment,
    writtenMs: await stat(segment.path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    ),
  }))
  return (await Promise.all(dated)).sort((a, b) => (a.writtenMs < b.writtenMs ? 1 : -1))
}

async function readCandidates(segment: SegmentName, query: RowQuery): Promise<Candidate[]> {
  const wanted = textsOf(query)
  const untilMs = Math.min(query.untilMs, (query.before?.timeMs ?? Number.POSITIVE_INFINITY) + 1)
  return (await readPayloads(segment))
    .map((payload) => ({ timeMs: timeOfRecord(payload), payload }))
    .filter(({ timeMs }) => timeMs >= query.sinceMs && timeMs < untilMs)
    .filter(({ payload }) => wanted.every((text) => payload.includes(text)))
}

/** What is written in a record as `key` and the value's JSON. */
const SIEVED = [
  { field: 'subject', key: '' },
  { field: 'requestId', key: '"q":' },
  { field: 'deployment', key: '"d":' },
  { field: 'model', key: '"m":' },
  { field: 'version', key: '"v":' },
  { field: 'variant', key: '"a":' },
] as const

/** Cheap first sieve: the record must contain these bytes somewhere. A block has only the first of its ids. */
function textsOf({ id, ...query }: RowQuery): Buffer[] {
  const texts = SIEVED.flatMap(({ field, key }) =>
    query[field] === undefined ? [] : [`${key}${JSON.stringify(query[field])}`],
  )
  if (id !== undefined) texts.push(timeOfId(id) === undefined ? JSON.stringify(id) : `"${startOfRun(id)}`)
  return texts.map((text) => Buffer.from(text))
}

/** Parses from the newest on, and no more than the answer needs. */
function newestMatches(candidates: Candidate[], query: RowQuery): LoggedRow[] {
  candidates.sort((a, b) => b.timeMs - a.timeMs)
  const rows: LoggedRow[] = []
  for (const { timeMs, payload } of candidates) {
    if (rows.length >= query.limit && timeMs < rows[query.limit - 1]!.timeMs) break
    for (const row of decodeRows(payload) ?? []) if (matchesQuery(row, query)) rows.push(row)
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
