import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { PredictAnswer } from '@millwright/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  cli,
  postJson,
  ROOT,
  type Running,
  removeFolder,
  startMillwright,
  temporaryFolder,
} from '../support/millwright.ts'

type Row = Record<string, string | number | boolean | null>

const CHURN_NAMES = ['days_since_last_order', 'total_orders', 'lifetime_value', 'email_open_rate']
const HGB = 'packages/engine/test/fixtures/scikit-learn-1.7.2/hgb-categorical-binary'
const at = (index: number, ...values: (string | number | null)[]) => values[index % values.length]!

/** Models with numbers, missing values, categories and a decision, and rows that are good and bad in turn. */
const CASES: readonly { name: string; file: string; settings?: object; row: (index: number) => Row }[] = [
  {
    name: 'churn',
    file: 'examples/churn/models/churn_model_v2.pkl',
    settings: {
      decision: { positive: 1, threshold: 0.5, bands: [{ name: 'high', above: 0.7 }, { name: 'low' }] },
    },
    row: (i) => ({
      [CHURN_NAMES[0]!]: (i * 37) % 365,
      [CHURN_NAMES[1]!]: i % 41,
      [CHURN_NAMES[2]!]: i % 13 === 5 ? null : i % 29 === 7 ? 1e300 : i * 3.14,
      [CHURN_NAMES[3]!]: (i % 100) / 97,
    }),
  },
  {
    name: 'mixed',
    file: 'packages/server/test/fixtures/models/mixed.joblib',
    row: (i) => ({
      city: at(i, 'Oslo', 'São Paulo', 'Łódź', null, 'a, "quoted"\nplace'),
      plan: at(i, 'free', 'pro', 'team', 'unheard of', null, 'pro', 'free'),
      age: i % 11 === 3 ? null : 18 + (i % 60),
      income: i * 97.13,
    }),
  },
  {
    name: 'categories',
    file: `${HGB}/model.compress3.joblib`,
    row: (i) => ({
      x0: at(i, 0, 1, null, 3),
      x1: i % 4,
      x2: at(i, 3, -1, 2, null, 1, 0, 2),
      x3: (i * 7) % 5,
    }),
  },
]

const ROWS = 600
let server: Running
let folder: string
beforeAll(async () => {
  folder = temporaryFolder()
  server = await startMillwright()
  for (const { name, file, settings } of CASES) {
    const { code, stderr } = await cli(['deploy', join(ROOT, file), '--name', name], server)
    expect(code, stderr).toBe(0)
    if (settings !== undefined) {
      const answer = await fetch(`${server.url}/api/v1/deployments/${name}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(settings),
      })
      expect(answer.status).toBe(200)
    }
  }
}, 120_000)
afterAll(async () => {
  await server.stop()
  removeFolder(folder)
})

const inFolder = (name: string): string => join(folder, name)
const rowsOf = (make: (index: number) => Row): Row[] => Array.from({ length: ROWS }, (_, i) => make(i))

const csvField = (value: unknown): string =>
  value === null
    ? ''
    : /[",\n]/.test(String(value))
      ? `"${String(value).replaceAll('"', '""')}"`
      : String(value)
const csvOf = (rows: readonly Row[]): string =>
  [Object.keys(rows[0]!), ...rows.map((row) => Object.values(row))]
    .map((record) => `${record.map(csvField).join(',')}\n`)
    .join('')
const ndjsonOf = (rows: readonly Row[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(sql)
  const rows = result.getRowObjectsJS() as Record<string, unknown>[]
  connection.closeSync()
  instance.closeSync()
  return rows
}

async function writeRows(path: string, rows: readonly Row[]): Promise<void> {
  if (path.endsWith('.csv')) writeFileSync(path, csvOf(rows))
  else writeFileSync(path.replace(/parquet$/, 'ndjson'), ndjsonOf(rows))
  if (path.endsWith('.parquet'))
    await query(
      `copy (from read_json('${path.replace(/parquet$/, 'ndjson')}')) to '${path}' (row_group_size 100)`,
    )
}

/** Values of a file: of CSV, text is what it spells. */
async function readRows(path: string): Promise<Record<string, unknown>[]> {
  if (path.endsWith('.ndjson'))
    return readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  if (path.endsWith('.parquet')) return query(`from '${path}'`)
  return query(`from read_csv('${path}', all_varchar = true, header = true)`)
}

type Answer = { id: number; [column: string]: unknown }
const asSpelt = (value: unknown): unknown =>
  typeof value === 'bigint' || typeof value === 'number' ? String(Number(value)) : value

/** What the API answers, as the columns of a batch; undefined for rows that it refuses. */
function columnsOf(answer: PredictAnswer): (Record<string, unknown> | undefined)[] {
  return answer.predictions!.map((entry) => {
    if ('error' in entry) return undefined
    const { prediction, probabilities = {}, decision } = entry
    const named = Object.entries(probabilities).map(([name, value]) => [`probability_${name}`, value])
    return { prediction, ...Object.fromEntries(named), ...decision }
  })
}

describe.each(CASES)('$name, scored as the running server answers', ({ name, row }) => {
  const rows = rowsOf(row)
  const predict = async (): Promise<PredictAnswer> =>
    (await postJson(`${server.url}/api/v1/deployments/${name}/predict`, { rows })).json

  test.each([
    ['ndjson', 'ndjson'],
    ['csv', 'csv'],
    ['parquet', 'parquet'],
    ['parquet', 'ndjson'],
    ['ndjson', 'parquet'],
    ['csv', 'parquet'],
  ])('%s to %s', async (from, to) => {
    const [input, output] = [inFolder(`${name}.${from}`), inFolder(`${name}-${from}.${to}`)]
    await writeRows(
      input,
      rows.map((one, id) => ({ id, ...one })),
    )
    const answer = await predict()
    const expected = columnsOf(answer)

    const result = await cli(['batch', name, '--in', input, '--out', output, '--json'], server)

    expect(result.code, result.stderr).toBe(0)
    const scored = (await readRows(output)) as Answer[]
    const good = expected.flatMap((columns, id) => (columns === undefined ? [] : [{ id, ...columns }]))
    expect(
      scored.map((one) =>
        Object.fromEntries(Object.keys(good[0]!).map((column) => [column, asSpelt(one[column])])),
      ),
    ).toEqual(
      good.map((one) => Object.fromEntries(Object.entries(one).map(([key, value]) => [key, asSpelt(value)]))),
    )
    expect(new Set(scored.map((one) => one.model_version))).toEqual(new Set([answer.version.label]))

    const refused = answer.predictions!.flatMap((entry, id) =>
      'error' in entry ? [{ row: id + 1, id, errors: entry.error.errors }] : [],
    )
    const rejects = refused.length === 0 ? [] : await readRows(`${output}.rejects.ndjson`)
    expect(rejects.map((one) => one.row)).toEqual(refused.map((one) => one.row))
    expect(rejects.map((one) => Number((one.data as Answer).id))).toEqual(refused.map((one) => one.id))
    const words = (errors: unknown) =>
      (errors as { code: string; message: string }[]).map(({ code, message }) => [code, message])
    expect(rejects.map((one) => words(one.errors))).toEqual(refused.map((one) => words(one.errors)))
    expect(JSON.parse(result.stdout)).toMatchObject({
      rows: ROWS,
      answered: good.length,
      rejected: refused.length,
      rejects: refused.length === 0 ? null : `${output}.rejects.ndjson`,
    })
  })
})

test('among the rows are some that the schema refuses, and some that the model does', async () => {
  const { row } = CASES[0]!
  const { json } = await postJson(`${server.url}/api/v1/deployments/churn/predict`, { rows: rowsOf(row) })

  const codes = (json as PredictAnswer).predictions!.map((entry) =>
    'error' in entry ? entry.error.errors[0]!.code : 'good',
  )
  expect(new Set(codes)).toEqual(new Set(['good', 'null', 'refused_by_model']))
})

describe('without a row that has an answer', () => {
  test.each(['csv', 'ndjson', 'parquet'])('%s has the columns and no rows', async (format) => {
    const input = inFolder(`refused.${format}`)
    await writeRows(input, [{ city: 'Oslo', plan: 'pro', age: null, income: 1 }])

    const { code, stderr } = await cli(
      ['batch', 'mixed', '--in', input, '--out', inFolder(`refused-out.${format}`)],
      server,
    )
    const other = await cli(['batch', 'mixed', '--in', input, '--out', inFolder(`${format}.parquet`)], server)

    expect([code, other.code], stderr + other.stderr).toEqual([0, 0])
    expect(stderr).toContain('0 rows written')
    expect(
      await query(
        `select count(*)::int as rows, any_value(prediction) as one from '${inFolder(`${format}.parquet`)}'`,
      ),
    ).toEqual([{ rows: 0, one: null }])
    expect(await readRows(`${inFolder(`refused-out.${format}`)}.rejects.ndjson`)).toMatchObject([{ row: 1 }])
  })
})

test('what cannot be scored is refused in words, and leaves nothing behind', async () => {
  const churn = join(ROOT, CASES[0]!.file)
  const onnx = join(ROOT, 'packages/runtime/test/fixtures/table.onnx')
  const [input, output, empty] = [inFolder('three.csv'), inFolder('three-out.csv'), inFolder('empty.csv')]
  writeFileSync(input, `${CHURN_NAMES.slice(1).join(',')}\n1,2,3\n`)
  writeFileSync(empty, '')
  const say = async (...args: string[]) => {
    const { code, stderr } = await cli(['batch', ...args], server)
    return [code, stderr.split('\n')[0]]
  }

  expect(await say(churn, '--in', input, '--out', output)).toEqual([
    1,
    `✖ ${input} lacks 1 of the model's 4 columns: ${CHURN_NAMES[0]}`,
  ])
  expect(await say(churn, '--in', empty, '--out', output)).toEqual([
    1,
    `✖ ${empty} is empty; its first line should name the columns`,
  ])
  expect(await say(onnx, '--in', input, '--out', output)).toEqual([
    1,
    '✖ this model is run by a process of its own, which batch does not do',
  ])
  expect(await say('nobody', '--in', input, '--out', output)).toEqual([
    3,
    expect.stringContaining('there is no deployment "nobody"'),
  ])
  expect(await say(churn, '--in', input, '--out', input)).toEqual([
    2,
    '✖ --in, --out and --rejects must be three different files',
  ])
  expect(existsSync(output) || existsSync(`${output}.work`)).toBe(false)
})
