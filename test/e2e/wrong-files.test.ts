import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, ROOT, removeFolder, temporaryFolder } from '../support/millwright.ts'

/** What people give the command line by mistake: each is met at once, with what is wrong and exit code 1 or 2. */
const MODEL = join(ROOT, 'examples/churn/models/churn_model_v2.pkl')
const HEADER = 'days_since_last_order,total_orders,lifetime_value,email_open_rate'
const ROW = '45,12,567.89,0.35'
const folder = temporaryFolder()
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

beforeAll(() => execFileSync('mkfifo', [join(folder, 'pipe.pkl'), join(folder, 'pipe.csv')]))
afterAll(() => removeFolder(folder))

describe('model files', () => {
  const wrong = [
    ['/dev/zero', /is not a regular file/],
    [join(folder, 'pipe.pkl'), /is not a regular file/],
    [folder, /is a folder/],
    [file('empty.pkl', ''), /the file is empty/],
    [file('text.pkl', 'hello world'), /the file is a text file/],
  ] as const

  test.each(wrong)('%s is refused by inspect and score', async (path, what) => {
    const inspected = await cli(['inspect', path])
    const scored = await cli(['score', path, '--data', file('ok.csv', `${HEADER}\n${ROW}\n`)])

    expect([inspected.code, scored.code]).toEqual([1, 1])
    expect(inspected.stdout + inspected.stderr).toMatch(what)
    expect(scored.stderr).toMatch(what)
  })
})

describe('files of rows', () => {
  const wrong: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['empty.csv', '', /is empty; its first line should name the columns/],
    ['header.csv', `${HEADER}\n`, /has no rows/],
    ['semicolons.csv', `${HEADER}\n${ROW}\n`.replaceAll(',', ';'), /is not separated by commas\n {2}hint: /],
    ['ragged.csv', `${HEADER}\n${ROW}\n1,2\n`, /expect 4, got 2 on line 3/],
    ['twice.csv', `${HEADER},total_orders\n${ROW},99\n`, /has two columns called "total_orders"/],
    ['latin1.csv', Buffer.from(`${HEADER},city\n${ROW},Orl\u00e9ans\n`, 'latin1'), /is not UTF-8 text/],
    ['text.csv', `${HEADER}\nmany,1,1,1\n`, /row 1, column days_since_last_order: expected a number/],
    ['few.csv', 'total_orders\n1\n', /the rows lack 3 of the model's 4 columns/],
    ['broken.ndjson', `{"total_orders":1}\n{oops\n`, /line 2 is not JSON/],
    ['lists.ndjson', '[1]\n', /row 1 is not an object/],
    ['broken.json', '{', /is not JSON/],
    ['text.parquet', 'PAR1', /cannot be read as Parquet/],
    ['rows.xlsx', 'x', /rows are read from \.csv/],
  ]

  test.each(wrong)('%s', async (name, content, what) => {
    const { code, stdout, stderr } = await cli(['score', MODEL, '--data', file(name, content)])

    expect(stderr).toMatch(what)
    expect([code, stdout]).toEqual([1, ''])
  })

  test('a pipe and a folder with the name of a file of rows are not waited for', async () => {
    mkdirSync(join(folder, 'folder.csv'))

    for (const name of ['pipe.csv', 'folder.csv'])
      expect((await cli(['score', MODEL, '--data', join(folder, name)])).code).toBe(1)
  })

  const right = [
    ['marked.csv', `\uFEFF${HEADER}\r\n${ROW}\r\n`],
    ['quoted.csv', `"${HEADER.replaceAll(',', '","')}","note"\n${ROW},"a ""b""\nnew; line"\n`],
    ['reordered.csv', `${HEADER.split(',').reverse().join(',')}\n${ROW.split(',').reverse().join(',')}\n`],
    ['tabs.tsv', `${HEADER}\n${ROW}\n`.replaceAll(',', '\t')],
  ] as const

  test.each(right)('%s is read as meant', async (name, content) => {
    const args = ['score', MODEL, '--outputs', 'predict_proba', '--data', file(name, content)]

    const { outputs } = JSON.parse((await cli(args)).stdout) as { outputs: { data: number[] }[] }

    expect(outputs[0]!.data).toEqual([0.8662686546579004, 0.13373134534209968])
  })

  test('parquet with whole numbers of 64 bits, decimals and dates is read as meant', async () => {
    const path = join(folder, 'typed.parquet')
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    await connection.run(
      `copy (select 45::bigint as days_since_last_order, 12::hugeint as total_orders, 567.89::decimal(10,2) as
       lifetime_value, 0.35::double as email_open_rate, date '2026-01-31' as day) to '${path}' (format parquet)`,
    )
    connection.closeSync()

    const { stdout, stderr } = await cli(['score', MODEL, '--outputs', 'predict_proba', '--data', path])

    expect(stderr).toBe('')
    expect(stdout).toContain('"data":[0.8662686546579004,0.13373134534209968]')
  })
})

describe('score --out', () => {
  const score = (out: string) =>
    cli(['score', MODEL, '--data', file('ok.csv', `${HEADER}\n${ROW}\n`), '--out', out])

  test('says that it cannot be written, and why', async () => {
    const { code, stderr } = await score('/nowhere/answers.json')

    expect(stderr).toMatch(/\/nowhere\/answers\.json cannot be written: ENOENT/)
    expect(code).toBe(1)
  })

  test('refuses an extension before anything is read', async () => {
    const { code, stderr } = await cli(['score', '/nowhere/model.pkl', '--data', 'x.csv', '--out', 'a.xml'])

    expect(stderr).toContain('--out takes a .json, .ndjson, .csv file')
    expect(code).toBe(2)
  })

  test('writes what it would have printed', async () => {
    const out = join(folder, 'answers.csv')

    await score(out)

    expect(readFileSync(out, 'utf8')).toBe('predict\n0\n')
  })
})

test.each([
  ['--rate', '0'],
  ['--rate', '1e9'],
  ['--seconds', 'x'],
])('demo %s %s is refused', async (option, value) => {
  const { code, stderr } = await cli(['demo', option, value, '--url', 'http://127.0.0.1:9'])

  expect(stderr).toContain(`${option} takes a number from`)
  expect(code).toBe(2)
})
