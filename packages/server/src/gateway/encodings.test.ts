import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'

const ROW = { days_since_last_order: 45, total_orders: 12, lifetime_value: 567.89, email_open_rate: 0.35 }
const BODY = JSON.stringify({ row: ROW })
const LIMIT = 4096

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  await writeSnapshot(layout, 1, [await churnDeployment(await storeChurn(layout, 'v2'))])
  gateway = await openGateway(layout, { maxBodyBytes: LIMIT })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function ask(encoding: string, body: Buffer) {
  const answer = await gateway.ask('/api/v1/deployments/churn/predict', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    body,
  })
  return [answer.status, (answer.json() as { code?: string }).code]
}

test.each([
  ['gzip', gzipSync(BODY)],
  ['GZIP', gzipSync(BODY)],
  ['deflate', deflateSync(BODY)],
  ['identity', Buffer.from(BODY)],
])('a body in %s is read', async (encoding, body) => {
  expect(await ask(encoding, body)).toEqual([200, undefined])
})

test.each([
  ['gzip', gzipSync(BODY).subarray(0, -9), 400, 'INVALID_ENCODING'],
  ['gzip', Buffer.from(BODY), 400, 'INVALID_ENCODING'],
  ['gzip', gzipSync(Buffer.alloc(10 << 20, ' ')).subarray(0, LIMIT), 413, 'BODY_TOO_LARGE'],
  ['br', Buffer.from(BODY), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['gzip, gzip', gzipSync(gzipSync(BODY)), 415, 'UNSUPPORTED_MEDIA_TYPE'],
])('a body in %s that is none, %#, is refused', async (encoding, body, status, code) => {
  expect(await ask(encoding, body)).toEqual([status, code])
})
