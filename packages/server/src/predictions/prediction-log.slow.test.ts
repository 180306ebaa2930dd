import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DataLayout } from '../layout.ts'
import type { PredictionLog } from './prediction-log.ts'
import type { RowQuery } from './row-query.ts'
import { exampleRecord, exampleWriter, openQuietLog, temporaryLayout, writeSegment } from './testing.ts'

const HOUR_MS = 3_600_000
const NOON_MS = Date.parse('2026-03-01T12:00:00Z')

let layout: DataLayout
let remove: () => void
let log: PredictionLog

beforeEach(async () => {
  ;({ layout, remove } = temporaryLayout())
  log = await openQuietLog(layout)
})

afterEach(async () => {
  await log.close()
  remove()
})

const query = (changes: Partial<RowQuery> = {}): RowQuery => ({
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  limit: 100,
  ...changes,
})

async function findIds(changes: Partial<RowQuery> = {}): Promise<string[]> {
  return (await log.find(query(changes))).rows.map((row) => row.id)
}

function parquetFiles(): string[] {
  return (readdirSync(layout.predictions, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.parquet'))
    .sort()
}

const at = (timeMs: number, id: string) => exampleRecord({ timeMs, id })

test('a prediction is found while its segment is still being written', async () => {
  const writer = exampleWriter(join(layout.segments, '0'))
  writer.append(at(NOON_MS, 'a'))
  await expect.poll(() => writer.stats.written).toBe(1)

  const ids = await findIds()

  expect(ids).toEqual(['a'])
  await writer.close()
})

test('a row comes back from Parquet as it was logged', async () => {
  const row = {
    timeMs: NOON_MS,
    id: 'prd_ä😀"\\',
    featuresJson: '{"plan":"50% \'off\'","tenure":null,"charges":0.1}',
    outputsJson: '{"prediction":"yes"}',
    decisionJson: null,
    score: null,
    label: 'yes',
    latencyUs: 17.25,
    subject: 'customer 7',
    requestId: 'req_9',
  }
  await writeSegment(layout, [
    exampleRecord(row, { deployment: 'eu.churn-2', version: 7, versionLabel: 'v7' }),
  ])
  const before = (await log.find(query())).rows

  await log.compact()

  const after = (await log.find(query())).rows
  expect(after).toEqual(before)
  expect(after[0]).toMatchObject({ ...row, deployment: 'eu.churn-2', version: 7, versionLabel: 'v7' })
  expect(log.analyticsPid()).toBeTypeOf('number')
})

test('compaction leaves Parquet by deployment, date and hour, and no segment', async () => {
  await writeSegment(layout, [
    at(NOON_MS, 'a'),
    at(NOON_MS + HOUR_MS, 'b'),
    exampleRecord({ timeMs: NOON_MS }, { deployment: 'other' }),
  ])

  const turned = await log.compact()

  expect(turned).toBe(1)
  expect(parquetFiles().map((name) => name.replace(/[^/]+$/, ''))).toEqual([
    'deployment=churn/date=2026-03-01/hour=12/',
    'deployment=churn/date=2026-03-01/hour=13/',
    'deployment=other/date=2026-03-01/hour=12/',
  ])
  expect(await log.status()).toMatchObject({ segments: 0 })
})

test('rows of segments and of Parquet come in one order, the newest first', async () => {
  await writeSegment(layout, [at(NOON_MS, 'a'), at(NOON_MS + 2, 'c'), at(NOON_MS + HOUR_MS, 'e')])
  await log.compact()
  await writeSegment(layout, [at(NOON_MS + 1, 'b'), at(NOON_MS + 3, 'd'), at(NOON_MS + 2 * HOUR_MS, 'f')])

  const ids = await findIds()

  expect(ids).toEqual(['f', 'e', 'd', 'c', 'b', 'a'])
})

test('pages join without a gap or a repetition though rows share a time and new rows arrive', async () => {
  const name = (index: number) => `id-${String(index).padStart(3, '0')}`
  const records = Array.from({ length: 60 }, (_, index) => at(NOON_MS + Math.floor(index / 7), name(index)))
  await writeSegment(layout, records.slice(0, 25))
  await log.compact()
  await writeSegment(layout, records.slice(25, 40))
  await log.compact()
  await writeSegment(layout, records.slice(40))
  const seen: string[] = []

  let before: RowQuery['before']
  do {
    const found = await log.find(query({ limit: 9, before }))
    seen.push(...found.rows.map((row) => row.id))
    before = found.next
    await writeSegment(layout, [at(NOON_MS + HOUR_MS + seen.length, `new-${seen.length}`)])
    if (seen.length === 18) await log.compact()
  } while (before !== undefined)

  const names = records.map((_, index) => name(index))
  expect(seen).toEqual(names.reverse())
})

test.each<[string, Partial<RowQuery>, string[]]>([
  ['id', { id: 'b' }, ['b']],
  ['subject', { subject: 'ann' }, ['c', 'a']],
  ['request', { requestId: 'req_b' }, ['b']],
  ['deployment', { deployment: 'other' }, ['c']],
  ['model', { model: 'm2' }, ['b']],
  ['version', { version: 9 }, ['c']],
  ['time', { sinceMs: NOON_MS + 1, untilMs: NOON_MS + 2 }, ['b']],
  ['subject and deployment', { subject: 'ann', deployment: 'churn' }, ['a']],
  ["a subject with ' or 1=1 --", { subject: "' or 1=1 --" }, []],
])('rows are found by %s, in segments and in Parquet', async (_, filter, expected) => {
  await writeSegment(layout, [
    exampleRecord({ id: 'a', timeMs: NOON_MS, subject: 'ann' }),
    exampleRecord({ id: 'b', timeMs: NOON_MS + 1, requestId: 'req_b' }, { model: 'm2' }),
    exampleRecord({ id: 'c', timeMs: NOON_MS + 2, subject: 'ann' }, { deployment: 'other', version: 9 }),
  ])
  const inSegments = await findIds(filter)
  await log.compact()
  const inParquet = await findIds(filter)

  expect([inSegments, inParquet]).toEqual([expected, expected])
})

test('small files of an hour that is over become one, with the same rows', async () => {
  for (const id of ['a', 'b', 'c']) {
    await writeSegment(layout, [at(NOON_MS + id.charCodeAt(0), id)])
    await log.compact()
  }
  await log.close()
  log = await openQuietLog(layout, { now: () => NOON_MS + 2 * HOUR_MS })

  await log.tidy()

  expect(parquetFiles()).toHaveLength(1)
  expect(await findIds()).toEqual(['c', 'b', 'a'])
})

test('rows beyond retention are removed with their folders', async () => {
  await writeSegment(layout, [at(NOON_MS - 49 * HOUR_MS, 'old'), at(NOON_MS, 'young')])
  await log.compact()
  await log.close()
  const told: object[] = []
  log = await openQuietLog(layout, {
    now: () => NOON_MS,
    retentionDays: 2,
    log: { warn: () => undefined, info: (details: object) => void told.push(details) },
  })

  await log.tidy()

  expect(await findIds()).toEqual(['young'])
  expect(readdirSync(join(layout.predictions, 'deployment=churn'))).toEqual(['date=2026-03-01'])
  expect(told).toMatchObject([{ 'millwright.predictions.files': 1 }])
})

test('the oldest files go when there are too many bytes', async () => {
  for (let hour = 0; hour < 4; hour++) await writeSegment(layout, [at(NOON_MS + hour * HOUR_MS, `h${hour}`)])
  await log.compact()
  const bytes = statSync(join(layout.predictions, parquetFiles()[0]!)).size
  await log.close()
  log = await openQuietLog(layout, { retentionBytes: Math.floor(bytes * 2.5) })

  await log.tidy()

  expect(await findIds()).toEqual(['h3', 'h2'])
})

test('a damaged segment gives what is whole, and what makes no sense is left out', async () => {
  const told: object[] = []
  await log.close()
  log = await openQuietLog(layout, {
    log: { info: () => undefined, warn: (details: object) => void told.push(details) },
  })
  await writeSegment(layout, [
    at(NOON_MS, 'a'),
    'not json',
    '{"t":1}',
    exampleRecord({}, { deployment: '../x' }),
  ])

  const shown = await findIds()
  await log.compact()

  expect([shown, await findIds()]).toEqual([['a'], ['a']])
  expect(told).toMatchObject([{ 'millwright.segments.malformed': 3 }])
})

test('the analytics process goes when it is idle, and a search brings it back after it was killed', async () => {
  await log.close()
  log = await openQuietLog(layout, { analyticsIdleMs: 50 })
  await writeSegment(layout, [at(NOON_MS, 'a')])
  await log.compact()

  await expect.poll(() => log.analyticsPid()).toBeUndefined()
  await findIds()
  process.kill(log.analyticsPid()!, 'SIGKILL')

  expect(await findIds()).toEqual(['a'])
})

test('a search with nothing in Parquet starts no process', async () => {
  await writeSegment(layout, [at(NOON_MS, 'a')])

  await findIds()

  expect(log.analyticsPid()).toBeUndefined()
})

test('Parquet has a typed column for everything but features, outputs and decision, which are JSON', async () => {
  await writeSegment(layout, [at(NOON_MS, 'a')])
  await log.compact()
  const connection = await (await DuckDBInstance.create()).connect()

  const described = await connection.runAndReadAll(
    'describe select * from read_parquet($path, hive_partitioning = false)',
    {
      path: join(layout.predictions, parquetFiles()[0]!),
    },
  )

  const types = Object.fromEntries(
    described.getRowObjectsJS().map((row) => [row.column_name, row.column_type]),
  )
  expect(types).toEqual({
    id: 'VARCHAR',
    time_ms: 'BIGINT',
    deployment: 'VARCHAR',
    model: 'VARCHAR',
    version: 'INTEGER',
    version_label: 'VARCHAR',
    digest: 'VARCHAR',
    variant: 'VARCHAR',
    weight: 'DOUBLE',
    features: 'VARCHAR',
    outputs: 'VARCHAR',
    decision: 'VARCHAR',
    score: 'DOUBLE',
    label: 'VARCHAR',
    latency_us: 'DOUBLE',
    subject: 'VARCHAR',
    request_id: 'VARCHAR',
  })
})
