import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mountSmallDisk, unmountDisk } from '../segments/testing-disk.ts'
import { exampleRecord, openQuietLog, temporaryLayout, writeSegment } from './testing.ts'

/** Takes what is left. */
function fillDisk(path: string): void {
  try {
    for (let size = 4 << 20; size >= 512; size >>= 1) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}

test('on a full disk compaction keeps the segments, search goes on, and it succeeds once space is freed', async (context) => {
  const { layout, remove } = temporaryLayout()
  if (!mountSmallDisk(layout.root)) context.skip('needs the right to mount a tmpfs')
  try {
    let nowMs = Date.now()
    const told: string[] = []
    const log = await openQuietLog(layout, {
      now: () => nowMs,
      log: { info: () => undefined, warn: (_: object, message?: string) => void told.push(message ?? '') },
    })
    const ids = Array.from({ length: 500 }, (_, index) => `id-${String(index).padStart(3, '0')}`)
    await writeSegment(
      layout,
      ids.map((id) => exampleRecord({ id, timeMs: nowMs })),
    )
    const find = async () =>
      (await log.find({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, limit: 1000 })).rows.map(({ id }) => id)
    const filler = join(layout.root, 'filler')
    fillDisk(filler)

    const turnedWhenFull = await log.compact()
    const foundWhenFull = await find()
    rmSync(filler)
    nowMs += 61_000
    const turnedLater = await log.compact()

    expect(turnedWhenFull).toBe(0)
    expect(told).toEqual([expect.stringContaining('they are kept')])
    expect(foundWhenFull).toEqual(ids.toReversed())
    expect(turnedLater).toBe(1)
    expect(await find()).toEqual(ids.toReversed())
    await log.close()
  } finally {
    unmountDisk(layout.root)
    remove()
  }
})
