import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_ROW,
  churnDeployment,
  createDataFolder,
  openGateway,
  removeDataFolder,
  storeChurn,
  writeSnapshot,
} from '../../../test/gateway.ts'
import { folderBlobs } from '../../blobs/folder.ts'
import { buildIndex } from '../../keyed-answers/build-index.ts'
import type { RoutedDeployment, RoutedPrecomputed } from '../../routing/snapshot.ts'

const ANSWER = { prediction: 1, probabilities: { 0: 0.25, 1: 0.75 }, decision: { score: 0.75 } }

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>
let v2: RoutedDeployment['version']
let v3: RoutedDeployment['version']
let epoch = 0

beforeAll(async () => {
  layout = await createDataFolder()
  gateway = await openGateway(layout)
  v2 = await storeChurn(layout, 'v2')
  v3 = await storeChurn(layout, 'v3')
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

async function precomputed(changes: Partial<RoutedPrecomputed> = {}): Promise<RoutedPrecomputed> {
  const blobs = folderBlobs(layout.blobs, layout.incoming)
  const put = async (bytes: Buffer) => (await blobs.put(Readable.from([bytes]))).digest
  const answers = await put(Buffer.from(`${JSON.stringify({ key: 'CUST/1 ü', prediction: ANSWER })}\n`))
  const index = await put((await buildIndex(blobs, answers)).bytes)
  const { decision } = await churnDeployment(v2)
  const version = { number: v2.number, label: v2.label }
  const computed_at = Date.now() - 60_000
  return { answers, index, version, decision, computed_at, max_age: null, ...changes }
}

async function serve(version: RoutedDeployment['version'], changes: Partial<RoutedDeployment>) {
  await writeSnapshot(layout, ++epoch, [await churnDeployment(version, changes)])
  await gateway.follower.start()
}

const get = async (key = 'CUST/1 ü') => {
  const answer = await gateway.ask(`/api/v1/deployments/churn/precomputed/${encodeURIComponent(key)}`)
  return { status: answer.status, age: answer.headers.get('age'), json: answer.json() }
}
const post = async (body: object) => {
  const answer = await gateway.ask('/api/v1/deployments/churn/predict', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  })
  return { status: answer.status, json: answer.json() }
}

test('a key is answered as it was computed, with what computed it and when', async () => {
  const stored = await precomputed()
  await serve(v2, { precomputed: stored })

  const answer = await get()

  expect(answer).toMatchObject({ status: 200, age: '60' })
  expect(answer.json).toEqual({
    deployment: 'churn',
    model: 'churn',
    version: { number: 2, label: 'v2' },
    prediction: ANSWER,
    precomputed: {
      key: 'CUST/1 ü',
      computed_at: new Date(stored.computed_at).toISOString(),
      stale: false,
    },
  })
  expect((await post({ key: 'CUST/1 ü' })).json).toEqual(answer.json)
})

test('a key with a row is computed when no answer stands ready', async () => {
  await serve(v2, { precomputed: await precomputed() })

  const [ready, live, asked] = [
    await post({ key: 'CUST/1 ü', row: CHURN_ROW }),
    await post({ key: 'CUST_2', row: CHURN_ROW }),
    await post({ key: 'CUST/1 ü', row: CHURN_ROW, outputs: ['predict_proba'] }),
  ]

  expect(ready.json.prediction).toEqual(ANSWER)
  expect(live).toMatchObject({
    status: 200,
    json: { version: { number: 2 }, prediction: { id: expect.stringMatching(/^prd_/) } },
  })
  expect(live.json).not.toHaveProperty('precomputed')
  expect(asked.json.prediction.outputs).toHaveProperty('predict_proba')
})

test.each([
  ['another version serves', () => serveWith(v3, {}), 'version 3 (v3) serves now'],
  ['the decision was changed', () => serveWith(v2, { decision: null }), 'the decision was changed'],
  [
    'it is old',
    async () => serve(v2, { precomputed: await precomputed({ max_age: 59 }) }),
    'older than 59 seconds',
  ],
])('when %s the answer says so, and a row is computed', async (_, change, because) => {
  await change()

  const [alone, withRow] = [await get(), await post({ key: 'CUST/1 ü', row: CHURN_ROW })]

  expect(alone).toMatchObject({ status: 200, json: { precomputed: { stale: true, because } } })
  expect(alone.json.version.number).toBe(2)
  expect(withRow.json).not.toHaveProperty('precomputed')
})

async function serveWith(version: RoutedDeployment['version'], changes: Partial<RoutedDeployment>) {
  await serve(version, { ...changes, precomputed: await precomputed() })
}

test('what is not there is said in words that help', async () => {
  await serve(v2, { precomputed: await precomputed() })
  const missing = [
    await get('CUST_2'),
    await post({ key: 'CUST_2' }),
    await post({ key: 7 }),
    await post({ key: 'a', rows: [CHURN_ROW] }),
  ]
  await serve(v2, {})
  const none = [await get(), await post({ key: 'CUST/1 ü' }), await post({ key: 'CUST/1 ü', row: CHURN_ROW })]

  expect(missing.map(({ status, json }) => [status, json.code])).toEqual([
    [404, 'PRECOMPUTED_NOT_FOUND'],
    [404, 'PRECOMPUTED_NOT_FOUND'],
    [400, 'VALIDATION_FAILED'],
    [400, 'VALIDATION_FAILED'],
  ])
  expect(missing[0]!.json.detail).toContain('"CUST_2"; send its row')
  expect(none.map(({ status }) => status)).toEqual([404, 404, 200])
  expect(none[0]!.json.detail).toContain('millwright precompute')
  expect((await gateway.ask('/metrics')).text).toMatch(
    /^millwright_precomputed_total\{deployment="churn",result="missing"\} [1-9]/m,
  )
})

test('answers are replaced from one moment on, while everybody asks', async () => {
  const [before, after] = [await precomputed(), await precomputed({ computed_at: 1 })]
  await serve(v2, { precomputed: before })
  const asked = Array.from({ length: 50 }, () => get())
  await serve(v2, { precomputed: after })

  const seen = await Promise.all([...asked, get()])

  expect(new Set(seen.map(({ status }) => status))).toEqual(new Set([200]))
  expect(seen.at(-1)!.json.precomputed.computed_at).toBe('1970-01-01T00:00:00.001Z')
})

test('files that cannot be read are counted, and a row is computed', async () => {
  const gone = await precomputed()
  await serve(v2, { precomputed: { ...gone, index: '0'.repeat(64) } })
  const [alone, withRow] = [await get(), await post({ key: 'CUST/1 ü', row: CHURN_ROW })]

  expect(alone).toMatchObject({ status: 503, json: { code: 'PRECOMPUTED_UNREADABLE', retryable: true } })
  expect(withRow).toMatchObject({ status: 200, json: { prediction: { id: expect.stringMatching(/^prd_/) } } })
  expect((await gateway.ask('/metrics')).text).toMatch(
    /^millwright_precomputed_total\{deployment="churn",result="unreadable"\} 2$/m,
  )
})
