import { fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { PredictionLog } from './prediction-log.ts'
import { exampleRecord, openQuietLog, temporaryLayout, writeSegment } from './testing.ts'

const NOON_MS = Date.parse('2026-03-01T12:00:00Z')
const HOUR_MS = 3_600_000
const ROWS_PER_SEGMENT = 200

async function killAfter(folder: string, lifeMs: number): Promise<void> {
  const path = fileURLToPath(new URL('./testing-control.ts', import.meta.url))
  const child = fork(path, [folder, String(NOON_MS + 9 * HOUR_MS)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  await new Promise((resolve) => child.once('message', resolve))
  await sleep(lifeMs)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

async function findAllIds(log: PredictionLog): Promise<string[]> {
  const { rows } = await log.find({ sinceMs: 0, untilMs: Number.MAX_SAFE_INTEGER, limit: 100_000 })
  return rows.map(({ id }) => id).sort()
}

test('control is killed at twenty-five moments of compacting and merging: no row is lost, none is there twice', async () => {
  const { layout, remove } = temporaryLayout()
  const expected: string[] = []
  const counts = new Set<number>()
  for (let round = 0; round < 25; round++) {
    const ids = Array.from(
      { length: ROWS_PER_SEGMENT },
      (_, index) => `r${String(round).padStart(2, '0')}-${index}`,
    )
    const records = ids.map((id, index) =>
      exampleRecord(
        { id, timeMs: NOON_MS + (index % 3) * HOUR_MS + round },
        { deployment: index % 2 === 0 ? 'churn' : 'other' },
      ),
    )
    await writeSegment(layout, records.slice(0, 150), 0)
    await writeSegment(layout, records.slice(150), 1)
    expected.push(...ids)

    await killAfter(layout.root, (round * 53) % 420)

    if (round % 4 !== 0) continue
    const log = await openQuietLog(layout)
    expect(await findAllIds(log)).toEqual([...expected].sort())
    counts.add((await log.status()).segments)
    await log.close()
  }

  const log = await openQuietLog(layout)
  await log.compact()
  expect(await findAllIds(log)).toEqual([...expected].sort())
  expect(await log.status()).toMatchObject({ segments: 0 })
  await log.close()
  remove()
  // The kills came before, between and after the commits, or this proves little.
  expect(counts.size).toBeGreaterThan(1)
}, 120_000)
