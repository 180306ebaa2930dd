import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../test/gateway.ts'

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const [v2, v3] = [await storeChurn(layout, 'v2'), await storeChurn(layout, 'v3')]
  await writeSnapshot(layout, 1, [
    await churnDeployment(v2, { pins: { v9: v3 } }),
    await churnDeployment(v2, { name: 'full', default: false, limits: { concurrency: 0 } }),
  ])
})
beforeEach(async () => {
  gateway = await openGateway(layout)
  await gateway.listen()
  return () => gateway.close()
})
afterAll(() => removeDataFolder(layout))

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  gateway.ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** Series of a metric with their values. */
async function scrape(name: string): Promise<Record<string, number>> {
  const lines = (await gateway.ask('/metrics')).text.split('\n').filter((line) => line.startsWith(`${name}{`))
  return Object.fromEntries(
    lines.map((line) => {
      const [labels, value] = line.slice(name.length).split('} ')
      return [`${labels}}`.replace(/[{}"]/g, ''), Number(value)]
    }),
  )
}

test('requests are counted and timed by door, deployment, version and what became of them', async () => {
  await post('/predict', CHURN_ROW)
  await post('/v9/predict', CHURN_ROW)
  await post('/api/v1/deployments/churn/predict', { row: CHURN_ROW })
  await post('/api/v1/deployments/churn/predict', { row: CHURN_ROW })
  await post('/api/v1/deployments/churn/predict', { row: {} })
  await post('/v1/models/churn:predict', { instances: 3 })
  await post('/api/v1/deployments/full/predict', { row: CHURN_ROW })
  await post('/api/v1/deployments/churn/predict', { row: CHURN_ROW }, { 'x-request-timeout-ms': '0' })

  expect(await scrape('millwright_request_seconds_count')).toEqual({
    'door=plain,deployment=churn,model_version=v2,outcome=answered': 1,
    'door=plain,deployment=churn,model_version=v3,outcome=answered': 1,
    'door=native,deployment=churn,model_version=v2,outcome=answered': 2,
    'door=native,deployment=churn,model_version=v2,outcome=refused': 1,
    'door=v1,deployment=churn,model_version=v2,outcome=refused': 1,
    'door=native,deployment=full,model_version=v2,outcome=shed': 1,
    'door=native,deployment=churn,model_version=v2,outcome=cancelled': 1,
  })
  const seconds = await scrape('millwright_request_seconds_sum')
  expect(seconds['door=plain,deployment=churn,model_version=v2,outcome=answered']).toBeGreaterThan(0)
})

test('names that callers make up are no series', async () => {
  for (const name of ['nope', 'other', 'third'])
    await post(`/api/v1/deployments/${name}/predict`, { row: CHURN_ROW })

  const none = 'door=native,deployment=(none)'
  expect(await scrape('millwright_request_seconds_count')).toEqual({
    [`${none},model_version=,outcome=refused`]: 3,
  })
  expect(await scrape('millwright_errors_total')).toEqual({ [`${none},code=DEPLOYMENT_NOT_FOUND`]: 3 })
})

test('the time in the queue is observed of whoever was let in', async () => {
  await Promise.all(Array.from({ length: 20 }, () => post('/predict', CHURN_ROW)))
  await post('/api/v1/deployments/full/predict', { row: CHURN_ROW })

  expect(await scrape('millwright_queue_seconds_count')).toEqual({
    'deployment=churn,model_version=v2': 20,
    'deployment=churn,model_version=v3': 0,
    'deployment=full,model_version=v2': 0,
  })
  expect((await gateway.ask('/metrics')).text).toContain('\nmillwright_queued_requests 0\n')
})
