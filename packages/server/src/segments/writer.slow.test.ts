import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeSegment, listSegments, repairSegments } from './reader.ts'
import { mountSmallDisk, unmountDisk } from './testing-disk.ts'
import { createSegmentWriter, type SegmentWriterOptions } from './writer.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millwright-writer-'))
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

function openWriter(options: Partial<SegmentWriterOptions> = {}) {
  return createSegmentWriter({
    folder: join(root, '0'),
    flushMs: 2,
    backlogBytes: 1 << 20,
    segmentBytes: 1 << 20,
    segmentMs: 60_000,
    ...options,
  })
}

/** Payloads in the order of segments, each segment read as it is on disk now. */
async function readPayloads(folder = root): Promise<string[]> {
  const segments = await listSegments(folder)
  return segments.flatMap(({ path }) => decodeSegment(readFileSync(path)).payloads.map(String))
}

test('records are readable while the segment is open, in the order they were appended', async () => {
  const writer = openWriter()
  const payloads = Array.from({ length: 5000 }, (_, index) => `{"n":${index},"ä":"€"}`)

  for (const payload of payloads) writer.append(payload)
  await expect.poll(() => writer.stats.written).toBe(5000)

  expect(await readPayloads()).toEqual(payloads)
  expect(readdirSync(join(root, '0'))[0]).toMatch(/\.open$/)
  await writer.close()
})

test('a segment is sealed at its size', async () => {
  const writer = openWriter({ segmentBytes: 1000 })

  for (let round = 0; round < 3; round++) {
    writer.append(`{"x":"${'y'.repeat(1200)}"}`)
    await expect.poll(() => writer.stats.written).toBe(round + 1)
  }
  await writer.close()

  expect(readdirSync(join(root, '0')).filter((name) => name.endsWith('.seg'))).toHaveLength(3)
})

test('a segment is sealed at its age', async () => {
  const writer = openWriter({ segmentMs: 30 })

  writer.append('{"n":1}')

  await expect.poll(() => readdirSync(join(root, '0'))).toEqual([expect.stringMatching(/\.seg$/)])
  await writer.close()
})

test('closing writes what is held; what comes later is dropped and counted', async () => {
  const writer = openWriter({ flushMs: 60_000 })
  writer.append('{"n":1}')

  await writer.close()
  const taken = writer.append('{"n":2}')

  expect([taken, writer.stats.dropped.backlog]).toEqual([false, 1])
  expect(await readPayloads()).toEqual(['{"n":1}'])
})

test('a writer that had nothing to write leaves nothing', async () => {
  await openWriter().close()

  expect(readdirSync(root)).toEqual([])
})

test('more than the backlog holds drops the oldest, counts them and keeps the rest', async () => {
  const writer = openWriter({ backlogBytes: 1080, flushMs: 60_000 })
  const payload = (index: number) => `{"n":${String(index).padStart(4, '0')}}`

  const taken = Array.from({ length: 100 }, (_, index) => writer.append(payload(index)))
  await writer.close()

  expect(taken.every(Boolean)).toBe(true)
  expect(writer.stats).toMatchObject({
    appended: 100,
    written: 60,
    dropped: { backlog: 40 },
    backlogBytes: 0,
  })
  expect(await readPayloads()).toEqual(Array.from({ length: 60 }, (_, index) => payload(index + 40)))
})

test('a record larger than the backlog is refused at once', async () => {
  const writer = openWriter({ backlogBytes: 100 })

  const taken = writer.append('x'.repeat(200))

  expect([taken, writer.stats.dropped.backlog]).toEqual([false, 1])
  await writer.close()
})

test('no segment is begun beyond the limit of the folder, and writing goes on once it is emptied', async () => {
  const errors: string[] = []
  const writer = openWriter({
    segmentBytes: 100,
    folderLimitBytes: 1000,
    backlogBytes: 2000,
    onError: (error) => errors.push(error.message),
  })
  const payload = `{"x":"${'y'.repeat(200)}"}`
  while (writer.stats.dropped['disk-cap'] === 0) {
    writer.append(payload)
    await sleep(1)
  }

  for (const name of readdirSync(join(root, '0'))) rmSync(join(root, '0', name))
  const { written } = writer.stats

  await expect.poll(() => writer.stats.written, { timeout: 10_000 }).toBeGreaterThan(written)
  await writer.close()
  expect(errors).toEqual([expect.stringContaining('is control running?')])
})

test('a folder that cannot be written costs records, never an exception', async () => {
  writeFileSync(join(root, 'file'), '')
  const errors: Error[] = []
  const writer = openWriter({ folder: join(root, 'file', '0'), onError: (error) => errors.push(error) })

  const taken = writer.append('{"n":1}')
  await writer.close()

  expect([taken, writer.stats.dropped.disk]).toEqual([true, 1])
  expect(errors.length).toBeGreaterThan(0)
})

/** Runs a writer process for a while, kills it, and tells how many records it had said were written. */
async function runAndKill(folder: string, run: number, lifeMs: number): Promise<number> {
  const child = fork(fileURLToPath(new URL('./testing-writer.ts', import.meta.url)), [folder, String(run)], {
    execArgv: [],
  })
  let written = 0
  await new Promise<void>((resolve) => {
    child.on('message', (count: number) => {
      written = count
      if (written > 0) resolve()
    })
  })
  await sleep(lifeMs)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  return written
}

test('kill -9, twenty times: every record that was written is found, once, and none is damaged', async () => {
  const folder = join(root, '0')
  const written: number[] = []

  for (let run = 0; run < 20; run++) written.push(await runAndKill(folder, run, 5 + ((run * 37) % 90)))
  await repairSegments(folder)

  const records = (await readPayloads()).map(
    (payload) => JSON.parse(payload) as { run: string; number: number },
  )
  const byRun = Map.groupBy(records, ({ run }) => Number(run))
  for (const [run, count] of written.entries()) {
    const numbers = byRun.get(run)?.map(({ number }) => number) ?? []
    expect(numbers.length).toBeGreaterThanOrEqual(count)
    expect(numbers).toEqual(numbers.map((_, index) => index))
  }
  expect(Math.min(...written)).toBeGreaterThan(0)
  expect(readdirSync(folder).every((name) => name.endsWith('.seg'))).toBe(true)
  for (const { path } of await listSegments(root)) expect(decodeSegment(readFileSync(path)).lostBytes).toBe(0)
}, 60_000)

test('a full disk: appending goes on, drops are counted, and it recovers when space is freed', async (context) => {
  if (!mountSmallDisk(root)) context.skip('needs the right to mount a tmpfs')
  try {
    const writer = openWriter({ segmentBytes: 256 << 10, backlogBytes: 100_000 })
    const collected: string[] = []
    let appended = 0
    const append = async () => {
      for (let count = 0; count < 20; count++) {
        expect(writer.append(`{"n":${appended++},"x":"${'y'.repeat(500)}"}`)).toBe(true)
      }
      await sleep(1)
    }

    while (writer.stats.dropped.disk < 200) await append()
    const { written } = writer.stats
    collected.push(...(await readPayloads()))
    for (const { path, sealed } of await listSegments(root)) if (sealed) rmSync(path)
    while (writer.stats.written < written + 200) await append()
    await writer.close()

    collected.push(...(await readPayloads()))
    const numbers = collected.map((payload) => (JSON.parse(payload) as { n: number }).n)
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    expect(numbers.length).toBe(writer.stats.written)
    expect(writer.stats.written + writer.stats.dropped.disk + writer.stats.dropped.backlog).toBe(appended)
  } finally {
    unmountDisk(root)
  }
}, 30_000)
