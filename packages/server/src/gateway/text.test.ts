import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  churnDeployment,
  createDataFolder,
  openGateway,
  readLog,
  removeDataFolder,
  storeModel,
  writeSnapshot,
} from '../../test/gateway.ts'

const MODELS = fileURLToPath(new URL('../../../engine/test/fixtures/scikit-learn-1.7.2/', import.meta.url))
const CASES = {
  spam: 'spam-tfidf-logistic/model.compress3.joblib',
  records: 'dict-vectorizer/model.compress3.joblib',
} as const

/** What the library was given and what it answered. */
const known = (name: keyof typeof CASES, file: string) =>
  JSON.parse(readFileSync(`${MODELS}${CASES[name].split('/')[0]}/${file}`, 'utf8'))

let layout: Awaited<ReturnType<typeof createDataFolder>>
let gateway: Awaited<ReturnType<typeof openGateway>>

beforeAll(async () => {
  layout = await createDataFolder()
  const deployments = Object.entries(CASES).map(async ([name, path]) =>
    churnDeployment(await storeModel(layout, MODELS + path), {
      ...{ name, model: name, default: false, decision: null, respond: null },
    }),
  )
  await writeSnapshot(layout, 1, await Promise.all(deployments))
  gateway = await openGateway(layout)
})
afterAll(async () => {
  await gateway.close()
  await removeDataFolder(layout)
})

const predict = (name: string, body: unknown) =>
  gateway.ask(`/api/v1/deployments/${name}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('texts are answered as the library answers them', async () => {
  const rows = known('spam', 'input.json').rows.map(([text]: [string]) => ({ text }))

  const answer = await predict('spam', { rows })

  expect(answer.status).toBe(200)
  expect(answer.json().predictions.map((one: { prediction: string }) => one.prediction)).toEqual(
    known('spam', 'expected.json').predict,
  )
})

test('what is not a text is refused at the door', async () => {
  const answer = await predict('spam', { row: { text: null } })

  expect([answer.status, answer.json().errors]).toMatchObject([400, [{ pointer: '/row/text', code: 'null' }]])
})

test('objects are answered as the library answers them, and logged as their text', async () => {
  const rows = known('records', 'input.json').rows.map(([record]: [object]) => ({ record }))

  const answer = await predict('records', { rows, outputs: ['transform'] })

  expect(answer.json().predictions.map((one: { outputs: object }) => one.outputs)).toEqual(
    known('records', 'expected.json').transform.map((transform: number[]) => ({ transform })),
  )
  const logged = await readLog(layout, gateway.log)
  expect(logged.map(({ featuresJson }) => JSON.parse(featuresJson))).toContainEqual({
    record: JSON.stringify(rows[0].record),
  })
})
