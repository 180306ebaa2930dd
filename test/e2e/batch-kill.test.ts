import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, eventually, ROOT, removeFolder, temporaryFolder } from '../support/millwright.ts'

const MODEL = join(ROOT, 'examples/churn/models/churn_model_v2.pkl')
const ROWS = 600_000
/** Every so many rows there is one without a value that the model needs. */
const BAD_EVERY = 1000

let folder: string
const inFolder = (name: string): string => join(folder, name)

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson()
  connection.closeSync()
  instance.closeSync()
  return rows
}

beforeAll(async () => {
  folder = temporaryFolder()
  const rows = `select range as id, range % 365 as days_since_last_order, range % 41 as total_orders,
    case when range % ${BAD_EVERY} <> 7 then range / 97 end as lifetime_value, range % 100 / 97 as email_open_rate
    from range(${ROWS})`
  await query(`copy (${rows}) to '${inFolder('in.parquet')}' (format parquet)`)
  await query(`copy (from '${inFolder('in.parquet')}') to '${inFolder('in.csv')}' (format csv)`)
  await query(`copy (from '${inFolder('in.parquet')}') to '${inFolder('in.ndjson')}' (format json)`)
}, 120_000)
afterAll(() => removeFolder(folder))

const argumentsOf = (format: string, out: string): string[] => [
  ...['batch', MODEL, '--in', inFolder(`in.${format}`), '--out', inFolder(out), '--json'],
]
const marksOf = (out: string): number => {
  const path = join(`${inFolder(out)}.work`, 'journal.ndjson')
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0
}

/** Starts a batch, and kills it once it has put so many more marks on the disk than it found. */
async function killAfterMarks(format: string, out: string, marks: number): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/millwright.js'), ...argumentsOf(format, out)], {
    stdio: 'ignore',
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  )
  await eventually(async () => marksOf(out) > marks || child.exitCode !== null, 60_000)
  child.kill('SIGKILL')
  expect(await ended).toBe('SIGKILL')
}

describe.each(['csv', 'ndjson', 'parquet'])('%s', (format) => {
  test('killed twice and run again: every row once, in order, as without', { timeout: 240_000 }, async () => {
    const [whole, killed] = [`whole.${format}`, `killed.${format}`]
    const straight = await cli(argumentsOf(format, whole))
    expect(straight.code, straight.stderr).toBe(0)

    await killAfterMarks(format, killed, 1)
    expect(existsSync(inFolder(killed))).toBe(false)
    await killAfterMarks(format, killed, 2)
    const result = await cli(argumentsOf(format, killed))

    expect(result.code, result.stderr).toBe(0)
    const summary = JSON.parse(result.stdout)
    const rejected = ROWS / BAD_EVERY
    expect(summary).toMatchObject({ rows: ROWS, rejected, answered: ROWS - rejected })
    expect(summary.resumed).toBeGreaterThan(0)
    expect(summary.resumed).toBeLessThan(ROWS)
    const read = (name: string) => readFileSync(inFolder(name))
    expect(read(`${killed}.rejects.ndjson`).equals(read(`${whole}.rejects.ndjson`))).toBe(true)
    expect(existsSync(`${inFolder(killed)}.work`)).toBe(false)
    if (format !== 'parquet') expect(read(killed).equals(read(whole))).toBe(true)
    const numbered = (name: string) => `(select row_number() over () as place, * from '${inFolder(name)}')`
    const counts = `select count(*)::int as rows, count(distinct id)::int as ids, bool_and(id % ${BAD_EVERY} <> 7) as good
      from '${inFolder(killed)}'`
    expect(await query(counts)).toEqual([{ rows: ROWS - rejected, ids: ROWS - rejected, good: true }])
    expect(await query(`from ${numbered(killed)} except from ${numbered(whole)}`)).toEqual([])
    expect(
      await query(
        `select * from ${numbered(killed)} where id <> place - 1 + (id + ${BAD_EVERY - 8}) // ${BAD_EVERY}`,
      ),
    ).toEqual([])
  })
})

describe('what was begun is not gone on with when', () => {
  const out = 'changed.csv'
  const begin = () => killAfterMarks('csv', out, 1)

  test('the input, the model or an option is another; --restart begins anew', {
    timeout: 120_000,
  }, async () => {
    await begin()
    const input = inFolder('in.csv')
    const { atime, mtime } = statSync(input)

    const option = await cli([...argumentsOf('csv', out), '--keep', 'id'])
    const model = await cli([
      ...['batch', MODEL.replace('_v2', '_v3'), '--in', input, '--out', inFolder(out), '--json'],
    ])
    utimesSync(input, atime, new Date(mtime.getTime() + 5_000))
    const touched = await cli(argumentsOf('csv', out))
    const anew = await cli([...argumentsOf('csv', out), '--restart'])

    expect([option.code, model.code, touched.code]).toEqual([7, 7, 7])
    expect(option.stderr).toContain('was begun with another --keep')
    expect(model.stderr).toContain('was begun with another model')
    expect(touched.stderr).toContain('was begun with another input file')
    expect(touched.stderr).toContain('add --restart to begin anew')
    expect(anew.code, anew.stderr).toBe(0)
    expect(JSON.parse(anew.stdout)).toMatchObject({ rows: ROWS, resumed: 0 })
  })
})

test('too many rejected rows stop it, and with more allowed it goes on', { timeout: 120_000 }, async () => {
  const stopped = await cli([...argumentsOf('csv', 'few.csv'), '--max-rejects', '300'])
  const allowed = await cli([...argumentsOf('csv', 'few.csv'), '--max-rejects', '600'])

  expect(stopped.code).toBe(5)
  expect(stopped.stderr).toContain('rows were rejected, and --max-rejects is 300')
  expect(allowed.code, allowed.stderr).toBe(0)
  expect(JSON.parse(allowed.stdout)).toMatchObject({ rows: ROWS, rejected: ROWS / BAD_EVERY })
  expect(JSON.parse(allowed.stdout).resumed).toBeGreaterThan(0)
})

test('a work that another process is at is left alone', async () => {
  writeFileSync(
    inFolder('small.csv'),
    'days_since_last_order,total_orders,lifetime_value,email_open_rate\n1,2,3,0.5\n',
  )
  const { mkdirSync } = await import('node:fs')
  mkdirSync(inFolder('small-out.csv.work'))
  writeFileSync(join(inFolder('small-out.csv.work'), 'lock'), `${process.pid}`)

  const result = await cli([
    'batch',
    MODEL,
    '--in',
    inFolder('small.csv'),
    '--out',
    inFolder('small-out.csv'),
  ])

  expect(result.code).toBe(7)
  expect(result.stderr).toContain(`process ${process.pid} is writing`)
})
