import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  storeModel,
  writeSnapshot,
} from '../../test/gateway.ts'

/** ONNX models beyond their limits, in a gateway that serves another model beside them. */
const MODELS = fileURLToPath(new URL('../../../runtime/test/fixtures/', import.meta.url))
const row = (first: number) => ({ 'x[0]': first, 'x[1]': 0 })

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const plain = { model: 'm', default: false, decision: null, respond: null }
  const served = async (name: string) =>
    churnDeployment(await storeModel(layout, `${MODELS}${name}.onnx`), { ...plain, name })
  await writeSnapshot(layout, 1, [
    await served('endless'),
    await served('hungry'),
    await churnDeployment(await storeChurn(layout, 'v2')),
  ])
  gateway = await openGateway(layout, { host: { memoryMib: 512, loadMs: 20_000, runMs: 5_000 } })
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function predict(name: string, values: object) {
  const answer = await gateway.ask(`/api/v1/deployments/${name}/predict`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ row: values }),
  })
  return { status: answer.status, json: answer.json() }
}

test('a model that computes on is stopped; others go on meanwhile, and it answers the next request', async () => {
  let isStopped = false
  const stuck = predict('endless', row(1000)).finally(() => {
    isStopped = true
  })
  const others = await Promise.all([1, 2, 3].map(() => predict('churn', CHURN_ROW)))

  expect(others.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(isStopped).toBe(false)
  expect(await stuck).toMatchObject({ status: 504, json: { code: 'MODEL_TIMEOUT', retryable: false } })
  expect(await predict('endless', row(1))).toMatchObject({ json: { prediction: { prediction: [2, 1] } } })
})

test('a model that takes too much memory is stopped, and answers the next request', async () => {
  const failed = await predict('hungry', row(1000))

  expect(failed).toMatchObject({ status: 503, json: { code: 'MODEL_FAILED', retryable: true } })
  expect(await predict('hungry', row(1))).toMatchObject({ json: { prediction: { prediction: [2, 1] } } })
})
