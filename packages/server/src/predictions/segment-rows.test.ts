import { utimesSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataLayout } from '../layout.ts'
import { listSegments } from '../segments/reader.ts'
import { findInSegments } from './segment-rows.ts'
import { exampleRecord, temporaryLayout, writeSegment } from './testing.ts'

const NOW_MS = Date.now()

let layout: DataLayout
let remove: () => void

beforeEach(() => {
  ;({ layout, remove } = temporaryLayout())
})

afterEach(() => remove())

const find = async (changes: object = {}) => {
  const query = { sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, limit: 2, ...changes }
  return (await findInSegments(layout.segments, query)).map(({ id }) => id)
}

const record = (id: string, timeMs: number) => exampleRecord({ id, timeMs })

/** As if the oldest segment had been written last an hour ago. */
async function ageOldestSegment() {
  const [oldest] = await listSegments(layout.segments)
  utimesSync(oldest!.path, new Date(NOW_MS - 3_600_000), new Date(NOW_MS - 3_600_000))
}

test('the newest rows of several gateways are merged', async () => {
  await writeSegment(layout, [record('a', NOW_MS - 4), record('d', NOW_MS - 1)], 0)
  await writeSegment(layout, [record('b', NOW_MS - 3), record('c', NOW_MS - 2)], 1)

  expect(await find()).toEqual(['d', 'c'])
  expect(await find({ before: { timeMs: NOW_MS - 2, id: 'c' } })).toEqual(['b', 'a'])
})

test('a segment that was written before all wanted rows is not read', async () => {
  // Its time lies after its last write, so it can only be left out by not being read.
  await writeSegment(layout, [record('unread', NOW_MS)])
  await ageOldestSegment()
  await writeSegment(layout, [record('a', NOW_MS - 2), record('b', NOW_MS - 1)])

  expect(await find()).toEqual(['b', 'a'])
  expect(await find({ limit: 3 })).toEqual(['unread', 'b', 'a'])
  expect(await find({ limit: 3, sinceMs: NOW_MS - 60_000 })).toEqual(['b', 'a'])
})
