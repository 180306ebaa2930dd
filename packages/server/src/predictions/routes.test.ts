import { PredictionRecord } from '@millwright/contracts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { z } from 'zod'
import { createApp } from '../control/app.ts'
import { createIdSource } from '../ids.ts'
import type { DataLayout } from '../layout.ts'
import { createLogger } from '../logging.ts'
import { pageSchema } from '../paging.ts'
import type { PredictionLog } from './prediction-log.ts'
import { predictionRoutes } from './routes.ts'
import { exampleRecord, openQuietLog, temporaryLayout, writeSegment } from './testing.ts'

const NOON_MS = Date.parse('2026-03-01T12:00:00Z')

const OPEN = {
  access: { boundToLoopback: true, loginRequired: false, allowedHosts: [] },
  recognise: async () => undefined,
}

let layout: DataLayout
let remove: () => void
let log: PredictionLog
let app: ReturnType<typeof createApp>

beforeEach(async () => {
  ;({ layout, remove } = temporaryLayout())
  log = await openQuietLog(layout)
  const logger = createLogger({ role: 'control', level: 'error', version: '0' })
  app = createApp({ routes: predictionRoutes(log), logger, ...OPEN })
})

afterEach(async () => {
  await app.close()
  await log.close()
  remove()
})

async function get(url: string) {
  const reply = await app.inject({ url, headers: { host: '127.0.0.1' } })
  return { status: reply.statusCode, body: reply.json() }
}

test('logged predictions are answered in the shape of the contract', async () => {
  await writeSegment(layout, [exampleRecord({ timeMs: NOON_MS, subject: 'ann' })])

  const { body } = await get('/api/v1/predictions')

  const { data } = pageSchema(PredictionRecord).parse(body)
  expect(data).toMatchObject([
    {
      time: '2026-03-01T12:00:00.000Z',
      subject: 'ann',
      features: { tenure: 12, plan: 'monthly' },
      version: 3,
    },
  ])
})

test('pages are followed to the end', async () => {
  const records = ['a', 'b', 'c', 'd', 'e'].map((id) => exampleRecord({ id: `${id}.€`, timeMs: NOON_MS }))
  await writeSegment(layout, records)
  const seen: string[] = []

  let next: string | null = '/api/v1/predictions?limit=2'
  while (next !== null) {
    const { body } = await get(next)
    seen.push(...body.data.map((item: z.infer<typeof PredictionRecord>) => item.id))
    expect(body.has_more).toBe(body.next !== null)
    next = body.next
  }

  expect(seen).toEqual(['e.€', 'd.€', 'c.€', 'b.€', 'a.€'])
})

test('a prediction of ours is found by its id, without a look at other hours', async () => {
  const id = createIdSource(() => NOON_MS).next('prd_')
  const asked: object[] = []
  const counting: Pick<PredictionLog, 'find'> = {
    find(query) {
      asked.push(query)
      return log.find(query)
    },
  }
  const logger = createLogger({ role: 'control', level: 'error', version: '0' })
  const counted = createApp({ routes: predictionRoutes(counting), logger, ...OPEN })
  await writeSegment(layout, [exampleRecord({ id, timeMs: NOON_MS + 20 }), exampleRecord()])

  const reply = await counted.inject({ url: `/api/v1/predictions?id=${id}`, headers: { host: '127.0.0.1' } })

  expect(reply.json().data).toMatchObject([{ id }])
  expect(asked).toMatchObject([{ sinceMs: NOON_MS - 60_000, untilMs: NOON_MS + 3_600_000 }])
  await counted.close()
})

test('time is asked for with any offset, from inclusive to exclusive', async () => {
  await writeSegment(
    layout,
    [0, 1, 2].map((ms) => exampleRecord({ id: `at-${ms}`, timeMs: NOON_MS + ms })),
  )

  const since = encodeURIComponent('2026-03-01T13:00:00.001+01:00')
  const { body } = await get(`/api/v1/predictions?since=${since}&until=2026-03-01T12:00:00.002Z`)

  expect(body.data).toMatchObject([{ id: 'at-1' }])
})

test.each([
  '?limit=0',
  '?limit=1001',
  '?cursor=nonsense',
  '?since=yesterday',
  '?deployment=../etc',
  '?version=x',
])('%s is refused', async (query) => {
  const { status, body } = await get(`/api/v1/predictions${query}`)

  expect([status, body.code]).toEqual([400, 'VALIDATION_FAILED'])
})
