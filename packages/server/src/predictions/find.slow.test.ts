import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataLayout } from '../layout.ts'
import { createAccess } from './access.ts'
import { createAnalytics } from './analytics.ts'
import type { AnalyticsWork } from './analytics-protocol.ts'
import { findRows, type Sources } from './find.ts'
import type { RowQuery } from './row-query.ts'
import { exampleRecord, openQuietLog, temporaryLayout, writeSegment } from './testing.ts'

const NOON_MS = Date.parse('2026-03-01T12:00:00Z')
const HOUR_MS = 3_600_000
const HOURS = 40
/** A busy machine takes more than the usual limit to start its analytics. */
const LONG_MS = 60_000

let layout: DataLayout
let remove: () => void
let sources: Sources
let opened: number[] = []
let warnings: string[] = []

beforeEach(async () => {
  ;({ layout, remove } = temporaryLayout())
  const log = await openQuietLog(layout)
  const records = Array.from({ length: HOURS }, (_, hour) =>
    exampleRecord({
      id: `h${hour}`,
      timeMs: NOON_MS - hour * HOUR_MS,
      subject: hour === 33 ? 'rare' : 'common',
    }),
  )
  await writeSegment(layout, records)
  await log.compact()
  await log.close()

  const analytics = createAnalytics({ spillFolder: layout.predictions, folders: [layout.predictions] })
  opened = []
  warnings = []
  sources = {
    segmentsFolder: layout.segments,
    predictionsFolder: layout.predictions,
    access: createAccess(),
    log: { warn: (_: unknown, message?: string) => void warnings.push(message ?? '') },
    analytics: {
      ...analytics,
      run: (kind, ask) => {
        opened.push((ask as AnalyticsWork['find']['ask']).files.length)
        return analytics.run(kind, ask)
      },
    },
  }
})

afterEach(() => {
  sources.analytics.close()
  remove()
})

const query = (changes: Partial<RowQuery>): RowQuery => ({
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  limit: 3,
  ...changes,
})

test('the first page opens a few files, however many there are', async () => {
  const { rows } = await findRows(sources, query({}), LONG_MS)

  expect(rows.map(({ id }) => id)).toEqual(['h0', 'h1', 'h2'])
  expect(opened).toEqual([4])
})

test('a later page does not open what came before it', async () => {
  const { rows } = await findRows(
    sources,
    query({ before: { timeMs: NOON_MS - 30 * HOUR_MS, id: 'h30' } }),
    LONG_MS,
  )

  expect(rows.map(({ id }) => id)).toEqual(['h31', 'h32', 'h33'])
  // Of the forty files, thirty are newer.
  expect(opened).toEqual([4, 6])
})

test('a span of time opens only its own hours', async () => {
  await findRows(
    sources,
    query({ sinceMs: NOON_MS - 12 * HOUR_MS, untilMs: NOON_MS - 10 * HOUR_MS }),
    LONG_MS,
  )

  expect(opened).toEqual([2])
})

test('a search that runs out of time tells where to go on, and finds what it looks for in the end', async () => {
  const found: string[] = []
  let pages = 0

  let before: RowQuery['before']
  do {
    const page = await findRows(sources, query({ subject: 'rare', before }), -1)
    found.push(...page.rows.map(({ id }) => id))
    before = page.next
    pages += 1
  } while (before !== undefined)

  expect(found).toEqual(['h33'])
  expect(pages).toBe(HOURS / 4)
})

test('a file that cannot be read hides its own rows only, and is named in the log', async () => {
  const files = (readdirSync(layout.predictions, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.parquet'),
  )
  const second = files.find((name) => name.includes('hour=11') && name.includes('date=2026-03-01'))!
  writeFileSync(join(layout.predictions, second), 'not Parquet')

  const { rows } = await findRows(sources, query({}), LONG_MS)

  expect(rows.map(({ id }) => id)).toEqual(['h0', 'h2', 'h3'])
  expect(warnings).toEqual([expect.stringContaining(second)])
})
