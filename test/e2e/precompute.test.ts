import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  cli,
  postJson,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

const ROWS = [
  ['CUST_1', 45, 12, 567.89, 0.35],
  ['CUST/2 ü', 300, 1, 12.5, 0.01],
  ['CUST_3', 'many', 1, 12.5, 0.01],
  ['CUST_4', 5, 30, 4000, 0.9],
  ['CUST_1', 200, 2, 20, 0.05],
] as const
const NAMES = ['days_since_last_order', 'total_orders', 'lifetime_value', 'email_open_rate']

let server: Running
let folder: string
const inFolder = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = temporaryFolder()
  server = await startMillwright({ gateways: 2 })
  expect((await run('deploy', 'examples/churn')).code).toBe(0)
  const v3 = join(ROOT, 'examples/churn/models/churn_model_v3.pkl')
  expect((await run('deploy', v3, '--name', 'churn', '--no-promote')).code).toBe(0)
  const lines = [['customer_id', ...NAMES], ...ROWS].map((row) => row.join(','))
  writeFileSync(inFolder('keys.csv'), `${lines.join('\n')}\n`)
})
afterAll(async () => {
  await server.stop()
  removeFolder(server.data)
  removeFolder(folder)
})

/** What it keeps between runs is in the home of who runs it. */
const run = (...args: string[]) => cli(args, { url: server.url, env: { HOME: folder } })
const precompute = (file: string, ...args: string[]) =>
  run('precompute', 'churn', '--keys', inFolder(file), '--key', 'customer_id', '--json', ...args)

type Found = {
  code?: string
  prediction: { id?: string; probabilities: object }
  precomputed: { stale: boolean; because?: string }
}
/** On a connection of its own, so that every gateway is asked. */
async function find(key: string) {
  const url = `${server.url}/api/v1/deployments/churn/precomputed/${encodeURIComponent(key)}`
  const answer = await fetch(url, { headers: { connection: 'close' } })
  return { status: answer.status, json: (await answer.json()) as Found }
}
/** What the API answers to a row now, but for its id. */
async function online(row: readonly unknown[]) {
  const url = `${server.url}/api/v1/deployments/churn/predict`
  const values = Object.fromEntries(NAMES.map((name, index) => [name, row[index + 1]]))
  const { prediction } = (await postJson(url, { row: values })).json as Found
  const { id: _, ...rest } = prediction
  return rest
}

test('every key has the answer that the API gives to its row; the last row of a key counts', async () => {
  const done = await precompute('keys.csv', '--max-age', '24h')

  expect(done.code).toBe(0)
  expect(JSON.parse(done.stdout)).toMatchObject({
    ...{ generation: 1, keys: 3, replaced: 1, rows: 5, rejected: 1, max_age: 86_400, key: 'customer_id' },
    version: { number: 1, label: 'v2' },
  })
  for (const index of [1, 3, 4]) {
    const { status, json } = await find(ROWS[index]![0])
    expect(status).toBe(200)
    expect(json.prediction).toEqual(await online(ROWS[index]!))
    expect(json.precomputed).toMatchObject({ stale: false })
  }
  expect(await find('CUST_3')).toMatchObject({ status: 404, json: { code: 'PRECOMPUTED_NOT_FOUND' } })
  const [reject] = readFileSync(inFolder('keys.csv.rejects.ndjson'), 'utf8').trim().split('\n')
  expect(JSON.parse(reject!)).toMatchObject({ row: 3 })
})

test('keys of 64 bits are whole, and a refresh replaces all of them', async () => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = `select 9007199254740993 + range as customer_id, range % 365 as days_since_last_order,
    range % 41 as total_orders, range / 7 as lifetime_value, range % 100 / 97 as email_open_rate from range(5000)`
  await connection.run(`copy (${rows}) to '${inFolder('keys.parquet')}' (format parquet)`)
  connection.closeSync()
  instance.closeSync()

  const done = await precompute('keys.parquet')

  expect(JSON.parse(done.stdout)).toMatchObject({ generation: 2, keys: 5000, replaced: 0, rejected: 0 })
  const { json } = await find('9007199254740994')
  expect(json.prediction).toEqual(await online(['', 1, 1, 1 / 7, 1 / 97]))
  expect((await find('CUST_1')).status).toBe(404)
})

test('answers of the version before are stale, and gone when they are removed', async () => {
  await run('promote', 'churn', '2')
  const stale = await find('9007199254740993')
  await run('rollback', 'churn')
  const fresh = await find('9007199254740993')
  const removed = await run('precompute', 'churn', '--remove')
  const gone = await find('9007199254740993')

  expect(stale).toMatchObject({
    json: { precomputed: { stale: true, because: 'version 2 (v3) serves now' } },
  })
  expect(fresh).toMatchObject({ json: { precomputed: { stale: false } } })
  expect(removed.code).toBe(0)
  expect(gone).toMatchObject({ status: 404, json: { code: 'PRECOMPUTED_NOT_FOUND' } })
})

test('nothing is changed by what cannot be done', async () => {
  writeFileSync(inFolder('long.csv'), `customer_id,${NAMES.join(',')}\n${'k'.repeat(129)},1,1,1,0.1\n`)
  writeFileSync(inFolder('other.csv'), readFileSync(inFolder('keys.csv')))
  const results = [
    await precompute('keys.csv', '--max-rejects', '0'),
    await precompute('long.csv'),
    await run('precompute', 'churn', '--keys', inFolder('other.csv'), '--key', 'nope'),
    await run('precompute', 'churn', '--keys', inFolder('keys.csv')),
    await run('precompute', 'nobody', '--keys', inFolder('keys.csv'), '--key', 'customer_id'),
  ]

  expect(results.map(({ code }) => code)).toEqual([5, 1, 2, 2, 3])
  expect(results[1]!.stderr).toContain('row 1 that was answered: "customer_id" is no key')
  expect(results[2]!.stderr).toContain('has no column "nope"; it has customer_id')
  expect(results[2]!.stderr).not.toContain('--keep')
  expect((await find('CUST_1')).status).toBe(404)
  expect((await precompute('keys.csv', '--restart')).code).toBe(0)
  expect((await find('CUST_1')).status).toBe(200)
})
