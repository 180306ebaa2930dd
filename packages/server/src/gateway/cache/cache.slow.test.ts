import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  readLog,
  removeDataFolder,
  storeChurn,
  storeModel,
  writeSnapshot,
} from '../../../test/gateway.ts'
import { connect } from '../../../test/grpc-client.ts'
import type { RoutedDeployment } from '../../routing/snapshot.ts'
import { ModelInferRequest } from '../doors/v2-grpc/messages.ts'
import { INFERENCE } from '../doors/v2-grpc/services.ts'

const MODELS = fileURLToPath(new URL('../../../../runtime/test/fixtures/', import.meta.url))
const CACHE = { ttl: 60, max: 1_000 }

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let epoch = 0

beforeEach(async () => {
  layout = await createDataFolder()
  gateway = await openGateway(layout, { batchWaitMs: 100 })
})
afterEach(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function serve(...deployments: RoutedDeployment[]): Promise<void> {
  await writeSnapshot(layout, ++epoch, deployments)
  await gateway.follower.start()
}

async function post(path: string, body: unknown) {
  const answer = await gateway.ask(path, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  })
  return { status: answer.status, cache: answer.headers.get('cache-status'), json: answer.json() }
}
const predict = (row: object, name = 'churn') => post(`/api/v1/deployments/${name}/predict`, { row })

async function lookups(name: string): Promise<Record<string, number>> {
  const { text } = await gateway.ask('/metrics')
  const line = /^millwright_cache_lookups_total\{(.+)\} (\d+)$/gm
  return Object.fromEntries(
    [...text.matchAll(line)]
      .filter(([, labels]) => labels!.includes(`deployment="${name}"`))
      .map(([, labels, value]) => [/result="(\w+)"/.exec(labels!)![1]!, Number(value)]),
  )
}

test('is off unless the deployment says so', async () => {
  await serve(await churnDeployment(await storeChurn(layout, 'v2')))

  const answers = [await predict(CHURN_ROW), await predict(CHURN_ROW)]

  expect(answers.map(({ cache }) => cache)).toEqual([null, null])
})

test('over gRPC the answer says in its trailing metadata what was found', async () => {
  const version = await storeChurn(layout, 'v2')
  await serve(
    await churnDeployment(version, { cache: CACHE }),
    await churnDeployment(version, { name: 'uncached', default: false }),
  )
  const caller = connect(await gateway.listen())
  const inputs = Object.entries(CHURN_ROW).map(([name, value]) => ({
    ...{ name, datatype: 'FP64', shape: [1], contents: { fp64_contents: [value] } },
  }))
  const cacheOf = async (model_name: string): Promise<unknown> => {
    const message = ModelInferRequest.encode({ model_name, inputs })
    const { answer, trailers } = caller.callBytes(INFERENCE.ModelInfer.path, message)
    expect(await answer).toBeInstanceOf(Buffer)
    return (await trailers)['cache-status']
  }

  const found = [await cacheOf('churn'), await cacheOf('churn'), await cacheOf('uncached')]

  expect(found).toEqual(['millwright; fwd=miss', 'millwright; hit', undefined])
  caller.close()
})

test('the same row is computed once, through whatever door it comes, and every answer is logged', async () => {
  await serve(await churnDeployment(await storeChurn(layout, 'v2'), { cache: CACHE }))

  const first = await predict(CHURN_ROW)
  const again = await predict(Object.fromEntries(Object.entries(CHURN_ROW).reverse()))
  const plain = await post('/predict', { ...CHURN_ROW, total_orders: '12' })
  const other = await predict({ ...CHURN_ROW, days_since_last_order: 90 })

  expect([first, again, plain, other].map(({ status, cache }) => [status, cache])).toEqual([
    [200, 'millwright; fwd=miss'],
    [200, 'millwright; hit'],
    [200, 'millwright; hit'],
    [200, 'millwright; fwd=miss'],
  ])
  expect(again.json.prediction).toEqual({ ...first.json.prediction, id: again.json.prediction.id })
  expect(again.json.prediction.id).not.toBe(first.json.prediction.id)
  expect(other.json.prediction.probabilities).not.toEqual(first.json.prediction.probabilities)
  expect(await lookups('churn')).toEqual({ hit: 2, shared: 0, collapsed: 0, miss: 2 })
  expect(await readLog(layout, gateway.log)).toHaveLength(4)
})

test('other outputs, versions and deployments have answers of their own', async () => {
  const [v2, v3] = [await storeChurn(layout, 'v2'), await storeChurn(layout, 'v3')]
  const twin = await churnDeployment(v2, { name: 'twin', default: false, cache: CACHE })
  await serve(await churnDeployment(v2, { cache: CACHE }), twin)
  const before = await predict(CHURN_ROW)
  const asked = await post('/api/v1/deployments/churn/predict', {
    row: CHURN_ROW,
    outputs: ['predict_proba'],
  })
  const elsewhere = await predict(CHURN_ROW, 'twin')

  await serve(await churnDeployment(v3, { revision: 2, cache: CACHE }), twin)
  const after = await predict(CHURN_ROW)
  // A setting changed: what serves it is built anew, and remembers.
  await serve(await churnDeployment(v3, { revision: 3, cache: CACHE, limits: { rows: 5 } }), twin)
  const changed = await predict(CHURN_ROW)
  await serve(await churnDeployment(v2, { revision: 4, cache: CACHE }), twin)
  const back = await predict(CHURN_ROW)

  expect([before, asked, elsewhere, after, changed, back].map(({ cache }) => cache)).toEqual([
    'millwright; fwd=miss',
    // predict_proba is among what is always computed.
    'millwright; hit',
    'millwright; fwd=miss',
    'millwright; fwd=miss',
    'millwright; hit',
    'millwright; hit',
  ])
  expect(after.json.prediction.probabilities).not.toEqual(before.json.prediction.probabilities)
  expect(back.json.prediction.probabilities).toEqual(before.json.prediction.probabilities)
})

test('refused rows are refused again', async () => {
  await serve(await churnDeployment(await storeChurn(layout, 'v2'), { cache: CACHE }))

  const bad = { ...CHURN_ROW, total_orders: 'many' }
  const answers = [await predict(bad), await predict(bad)]

  expect(answers.map(({ status }) => status)).toEqual([400, 400])
  expect(await lookups('churn')).toEqual({ hit: 0, shared: 0, collapsed: 0, miss: 0 })
})

test('blocks of rows are kept while there is room for them', async () => {
  await serve(await churnDeployment(await storeChurn(layout, 'v2'), { cache: CACHE }))
  const rows = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ ...CHURN_ROW, days_since_last_order: index % 90 }))
  const ask = (count: number) => post('/api/v1/deployments/churn/predict', { rows: rows(count) })
  const values = ({ json }: Awaited<ReturnType<typeof ask>>) =>
    json.predictions.map(({ probabilities }: { probabilities: object }) => probabilities)

  const [few, again, more, toomany, still] = [
    await ask(256),
    await ask(256),
    await ask(512),
    await ask(5_000),
    await ask(5_000),
  ]

  expect([few, again, more].map(({ cache }) => cache)).toEqual([
    'millwright; fwd=miss',
    'millwright; hit',
    'millwright; fwd=partial',
  ])
  expect(toomany.json.predictions).toHaveLength(5_000)
  expect(values(again)).toEqual(values(few))
  expect(values(still)).toEqual(values(toomany))
  expect(values(still).slice(0, 256)).toEqual(values(few))
})

test('what a host computes is computed once for all who ask at the same time', async () => {
  const version = await storeModel(layout, `${MODELS}table.onnx`)
  const bare = { name: 'table', model: 'table', decision: null, respond: null }
  await serve(await churnDeployment(version, { ...bare, cache: CACHE }))
  const row = { 'x[0]': 3, 'x[1]': 0 }

  const together = await Promise.all(Array.from({ length: 8 }, () => predict(row, 'table')))
  const later = await predict(row, 'table')
  const refused = await Promise.all([1, 2].map(() => predict({ 'x[0]': 9, 'x[1]': 0 }, 'table')))

  expect(together.map(({ json }) => json.prediction.prediction)).toEqual(together.map(() => [6, 7]))
  expect(together.filter(({ cache }) => cache === 'millwright; fwd=miss')).toHaveLength(1)
  expect(later.cache).toBe('millwright; hit')
  expect(refused.map(({ status }) => status)).toEqual([400, 400])
  const { hit, collapsed, miss } = await lookups('table')
  expect({ all: hit! + collapsed!, miss }).toEqual({ all: 9, miss: 2 })
})

test('who goes away while the same is computed for others takes nothing from them', async () => {
  const version = await storeModel(layout, `${MODELS}table.onnx`)
  const bare = { name: 'table', model: 'table', decision: null, respond: null }
  await serve(await churnDeployment(version, { ...bare, cache: CACHE }))
  const row = { 'x[0]': 2, 'x[1]': 0 }
  const controller = new AbortController()

  const gone = gateway
    .ask('/api/v1/deployments/table/predict', {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      ...{ body: JSON.stringify({ row }), signal: controller.signal },
    })
    .catch(({ name }: Error) => name)
  while (gateway.metrics.state.inFlight === 0) await new Promise(setImmediate)
  const stays = predict(row, 'table')
  while (gateway.metrics.state.inFlight < 2) await new Promise(setImmediate)
  controller.abort()

  expect(await gone).toBe('AbortError')
  expect(await stays).toMatchObject({ status: 200, json: { prediction: { prediction: [4, 5] } } })
})

test('what nobody waits for any more is not computed', async () => {
  const version = await storeModel(layout, `${MODELS}batch-mean.onnx`)
  const bare = { name: 'mean', model: 'mean', decision: null, respond: null }
  await serve(await churnDeployment(version, { ...bare, cache: CACHE }))
  const rowOf = (value: number) => Object.fromEntries(version.schema.inputs.map(({ name }) => [name, value]))
  const controller = new AbortController()
  const gone = gateway
    .ask('/api/v1/deployments/mean/predict', {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      ...{ body: JSON.stringify({ row: rowOf(1) }), signal: controller.signal },
    })
    .catch(({ name }: Error) => name)
  while (gateway.metrics.state.inFlight === 0) await new Promise(setImmediate)
  controller.abort()
  while (gateway.metrics.state.inFlight > 0) await new Promise(setImmediate)

  const { status } = await predict(rowOf(2), 'mean')

  expect(await gone).toBe('AbortError')
  expect(status).toBe(200)
  expect((await gateway.ask('/metrics')).text).toMatch(/^millwright_batch_rows_sum 1$/m)
})
