import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PredictAnswer } from '@millwright/contracts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, postJson, ROOT, type Running, startMillwright } from '../support/millwright.ts'

const CHAINS = join(ROOT, 'packages/engine/test/fixtures/chains')
const caseOf = (name: string) =>
  JSON.parse(readFileSync(join(CHAINS, name, 'case.json'), 'utf8')) as {
    rows: Record<string, unknown>[]
    expected: { predict: (number | null)[]; predict_proba: (number[] | null)[] }
  }

let server: Running
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millwright-parts-'))
  server = await startMillwright()
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const fileOf = (name: string, content: unknown): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(content))
  return path
}

const versionsOf = async (model: string): Promise<unknown[]> =>
  (JSON.parse((await cli(['models', model, '--json'], server)).stdout) as { data: unknown[] }).data

test('a model and its scaler in two files answer as the code that used both, and once only', async () => {
  const two = join(CHAINS, 'two-files')
  const { rows, expected } = caseOf('two-files')
  const complete = rows.filter((_, i) => expected.predict[i] !== null)
  const files = [join(two, 'model.pkl'), '--after', join(two, 'scaler.pkl'), '--columns', 'age,income,visits']

  const first = await cli(['deploy', ...files, '--name', 'two'], server)
  const again = await cli(['deploy', ...files, '--name', 'two'], server)
  const { json } = await postJson(`${server.url}/api/v1/deployments/two/predict`, { rows: complete })

  expect([first.code, again.code], first.stderr + again.stderr).toEqual([0, 0])
  const ours = (json as PredictAnswer).predictions!.map((entry) =>
    'error' in entry ? null : Object.values(entry.probabilities!),
  )
  expect(ours).toEqual(expected.predict_proba.filter((values) => values !== null))
  expect(await versionsOf('two')).toHaveLength(1)
})

test('inspect, score and verify take the same options, entries of a file too', async () => {
  const folderOf = join(CHAINS, 'encoder-file')
  const { rows, expected } = caseOf('encoder-file')
  const encoders = join(folderOf, 'encoders.pkl')
  const files = [
    join(folderOf, 'model.pkl'),
    ...['brand', 'city'].flatMap((column) => ['--encode', `${column}=${encoders}#${column}`]),
  ]
  const known = rows.filter((_, i) => expected.predict[i] !== null)
  const data = fileOf('rows.json', known)
  const answers = fileOf('answers.json', { predict: expected.predict.filter((value) => value !== null) })

  const inspected = await cli(['inspect', ...files, '--json'], server)
  const scored = await cli(['score', ...files, '--data', data], server)
  const verified = await cli(['verify', ...files, '--sample', data, '--expected', answers], server)

  expect(JSON.parse(inspected.stdout)).toMatchObject({
    servable: true,
    estimator: 'sklearn.ensemble._forest.RandomForestClassifier',
  })
  expect((JSON.parse(scored.stdout) as { outputs: { data: number[] }[] }).outputs[0]!.data).toEqual(
    expected.predict.filter((value) => value !== null),
  )
  expect(verified.code, verified.stderr).toBe(0)
})

test('an unseen label is the row’s error, as in the library', async () => {
  const file = join(CHAINS, 'label-encoders/model.pkl')
  const { rows, expected } = caseOf('label-encoders')

  const deployed = await cli(['deploy', file, '--name', 'labels'], server)
  const { json } = await postJson(`${server.url}/api/v1/deployments/labels/predict`, { rows })

  expect(deployed.code, deployed.stderr).toBe(0)
  expect(deployed.stderr).toContain("encoded first: 'brand', 'city'")
  const failed = (json as PredictAnswer).predictions!.map((entry) => 'error' in entry)
  expect(failed).toEqual(expected.predict.map((value) => value === null))
})

test('a wrong option says what it takes, a wrong key what there is', async () => {
  const file = join(CHAINS, 'dictionary/model.pkl')

  const malformed = await cli(['inspect', file, '--encode', 'brand'], server)
  const missing = await cli(['inspect', `${file}#clf`], server)

  expect([malformed.code, malformed.stderr]).toEqual([
    2,
    expect.stringContaining('--encode takes COLUMN=FILE'),
  ])
  expect([missing.code, missing.stdout]).toEqual([
    1,
    expect.stringContaining("it holds 'model' (a sklearn.linear_model._logistic.LogisticRegression)"),
  ])
})

test('a folder says in millwright.toml what its files are', async () => {
  const { rows, expected } = caseOf('two-files')
  const complete = rows.filter((_, i) => expected.predict[i] !== null)
  const shop = mkdtempSync(join(folder, 'shop-'))
  for (const name of ['model.pkl', 'scaler.pkl'])
    copyFileSync(join(CHAINS, 'two-files', name), join(shop, name))
  const settings = (text: string): void => writeFileSync(join(shop, 'millwright.toml'), text)
  const named = 'name = "shop"\ncolumns = ["age", "income", "visits"]\n'

  settings(`${named}steps = [{ file = "scaler.pkl" }, { file = "model.pkl" }]`)
  const byFolder = await cli(['deploy', shop], server)
  const byFile = await cli(['deploy', join(shop, 'millwright.toml')], server)
  const { json } = await postJson(`${server.url}/api/v1/deployments/shop/predict`, { rows: complete })
  const both = await cli(['deploy', shop, '--after', join(shop, 'scaler.pkl')], server)
  settings(`${named}stepz = []`)
  const unknown = await cli(['deploy', shop], server)
  settings('name = ')
  const broken = await cli(['deploy', shop], server)

  expect([byFolder.code, byFile.code], byFolder.stderr + byFile.stderr).toEqual([0, 0])
  const ours = (json as PredictAnswer).predictions!.map((entry) =>
    'error' in entry ? null : entry.prediction,
  )
  expect(ours).toEqual(expected.predict.filter((value) => value !== null))
  expect(await versionsOf('shop')).toHaveLength(1)
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('drop one of them')])
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('stepz')])
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('millwright.toml cannot be read')])
})
