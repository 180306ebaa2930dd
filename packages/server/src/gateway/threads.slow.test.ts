import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_PREDICT,
  createChurnFolder,
  type createDataFolder,
  HOST_LIMITS,
  openGateway,
  readLog,
  removeDataFolder,
} from '../../test/gateway.ts'
import { openConversation } from '../../test/raw-http.ts'

/** Requests of so many rows that a gateway leaves them to threads. */
const ROWS = 40_000
const LIMITS = { maxRows: ROWS, maxBodyBytes: 1 << 26 }

const rowOf = (index: number) => ({
  days_since_last_order: index % 400,
  total_orders: index % 13,
  lifetime_value: (index * 37.5) % 1000,
  email_open_rate: (index % 100) / 100,
})
const rows = Array.from({ length: ROWS }, (_, index) => rowOf(index))

let layout: Awaited<ReturnType<typeof createDataFolder>>
let threads = 0
const onWorker = (_: Worker): void => {
  threads += 1
}
beforeAll(async () => {
  layout = await createChurnFolder()
  process.on('worker', onWorker)
})
afterAll(async () => {
  process.off('worker', onWorker)
  await removeDataFolder(layout)
})

type Gateway = Awaited<ReturnType<typeof openGateway>>

async function predict(gateway: Gateway, body: object) {
  const answer = await gateway.ask(CHURN_PREDICT, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  })
  return { status: answer.status, json: answer.json() }
}

test('many rows are answered by threads as each is alone, bad ones in their place, and all are logged', async () => {
  const gateway = await openGateway(layout, LIMITS)
  const ids = rows.map((_, index) => `id-${index}`)
  const asked = rows.map((row, index) => (index === 30_001 ? { ...row, total_orders: 'many' } : row))
  const small = await predict(gateway, { rows: rows.slice(0, 200), ids: ids.slice(0, 200) })
  // The one that got the model ready.
  const before = threads

  const { status, json } = await predict(gateway, { rows: asked, ids })
  const logged = await readLog(layout, gateway.log)
  await gateway.close()

  expect(before).toBe(1)
  expect(threads).toBe(3)
  expect(status).toBe(200)
  expect(json.predictions.slice(0, 200)).toEqual(small.json.predictions)
  expect(json.predictions.map(({ id }: { id: string }) => id)).toEqual(ids)
  expect(json.predictions[30_001].error.errors[0].pointer).toBe('/rows/30001/total_orders')
  expect(logged).toHaveLength(200 + ROWS - 1)
})

test('small requests are answered while many rows are', async () => {
  const gateway = await openGateway(layout, LIMITS)
  const done: string[] = []
  const many = predict(gateway, { rows }).then(() => done.push('many'))
  for (let i = 0; i < 5; i++)
    await predict(gateway, { row: rowOf(i) }).then(({ status }) => done.push(`small ${status}`))
  await many
  await gateway.close()

  expect(done).toEqual([...new Array<string>(5).fill('small 200'), 'many'])
})

test('threads that take too long fail their request, not others', async () => {
  const gateway = await openGateway(layout, { ...LIMITS, host: { ...HOST_LIMITS, runMs: 20 } })

  const many = await predict(gateway, { rows })
  const one = await predict(gateway, { row: rowOf(1) })
  await gateway.close()

  expect(many).toMatchObject({ status: 504, json: { code: 'MODEL_TIMEOUT', retryable: false } })
  expect(one.status).toBe(200)
})

test('many rows whose caller went away are not computed to their end', async () => {
  const gateway = await openGateway(layout, LIMITS)
  const body = JSON.stringify({ rows })
  const caller = openConversation(await gateway.listen())
  await caller.send(
    `POST ${CHURN_PREDICT} HTTP/1.1\r\nHost: 127.0.0.1\r\nRequest-Id: gone\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  while (gateway.metrics.state.inFlight === 0) await new Promise(setImmediate)

  caller.close()
  while (gateway.metrics.state.inFlight > 0) await new Promise(setImmediate)
  const { text } = await gateway.ask('/metrics')
  const logged = await readLog(layout, gateway.log)
  await gateway.close()

  expect(text).toMatch(/^millwright_cancelled_total 1$/m)
  expect(logged.filter(({ requestId }) => requestId === 'gone').length).toBeLessThan(ROWS)
})
