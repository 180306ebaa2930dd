import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CHURN_ROW,
  cli,
  eventually,
  postJson,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

const folder = temporaryFolder()
const out = join(folder, 'churn.d.ts')
let server: Running

beforeAll(async () => {
  server = await startMillwright({ args: ['--deploy', 'examples/churn'] })
  // Control knows a deployment before the gateways serve it.
  const predict = `${server.url}/api/v1/deployments/churn/predict`
  await eventually(async () => (await postJson(predict, { row: CHURN_ROW })).status === 200)
})
afterAll(async () => {
  await server.stop()
  removeFolder(folder)
})

test('types of a deployment fit what it reads and answers', async () => {
  const request = { rows: [CHURN_ROW, { ...CHURN_ROW, total_orders: 'many' }], outputs: ['predict_proba'] }
  const { json } = await postJson(`${server.url}/api/v1/deployments/churn/predict`, request)

  const { code, stdout, stderr } = await cli(['types', 'churn', '--out', out], server)

  expect([code, stdout, stderr]).toEqual([0, '', `${out} has the types of churn@1\n`])
  const program = `import type { ChurnAnswer, ChurnRequest } from './churn.d.ts'
export const asked: ChurnRequest = ${JSON.stringify({ ...request, rows: [CHURN_ROW] })}
export const answer: ChurnAnswer = ${JSON.stringify(json)}`
  writeFileSync(join(folder, 'program.ts'), program)
  const flags = [
    '--strict',
    '--noEmit',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
    '--target',
    'es2024',
  ]
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), [...flags, '--types', '', 'program.ts'], { cwd: folder })
})

test('types are printed, alone or in JSON', async () => {
  const plain = await cli(['types', 'churn'], server)
  const json = await cli(['types', 'churn', '--json'], server)

  expect(plain.stdout).toBe(readFileSync(out, 'utf8'))
  expect(JSON.parse(json.stdout)).toEqual({
    deployment: 'churn',
    version: 1,
    file: null,
    declaration: plain.stdout,
  })
})

test('a deployment that does not exist is exit code 3', async () => {
  expect((await cli(['types', 'nobody'], server)).code).toBe(3)
})
