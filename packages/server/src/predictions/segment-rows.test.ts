import { utimesSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createIdSource } from '../ids.ts'
import type { DataLayout } from '../layout.ts'
import { listSegments } from '../segments/reader.ts'
import { findInSegments } from './segment-rows.ts'
import { exampleBlock, exampleRecord, temporaryLayout, writeSegment } from './testing.ts'

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

test('every row of a block is found by its id, its subject and its request', async () => {
  const ids = createIdSource()
  const [first, other] = [ids.run('prd_', 300), ids.run('prd_', 300)]
  await writeSegment(layout, [
    exampleBlock(300, {
      ids: first(0),
      subjects: Array.from({ length: 300 }, (_, row) => `customer ${row}`),
    }),
    exampleBlock(300, { ids: other(0), requestId: 'other' }),
  ])

  expect(await find({ id: first(299) })).toEqual([first(299)])
  expect(await find({ id: other(17) })).toEqual([other(17)])
  expect(await find({ id: other(300) })).toEqual([])
  expect(await find({ subject: 'customer 42' })).toEqual([first(42)])
  expect(await find({ requestId: 'other' })).toEqual([other(299), other(298)])
})

test('a block under the ids of its caller', async () => {
  await writeSegment(layout, [exampleBlock(3, { ids: ['mine', 'yours', 'order "7"'] })])

  expect(await find({ id: 'order "7"' })).toEqual(['order "7"'])
})
