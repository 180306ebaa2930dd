import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { compileFile } from '../packages/engine/src/sandbox/compile-file.ts'
import { openPool, shareProgram } from '../packages/runtime/src/pool.ts'

/**
 * npm run bench:batch [-- ROWS]: a forest of 30 trees over rows of 30 columns. Rows a second in the process, and from file
 * to file with `millwright batch`, beside what the same file takes to be copied without a model, and beside the library
 * over an array in memory. Set up once with bench/setup-python.sh. Best of several rounds, in turns; the CPU time a row
 * changes little with what else the machine does.
 */
const ROWS = Number(process.argv[2] ?? 2_000_000)
const TEXT_ROWS = ROWS / 10
const ROUNDS = 3
const COLUMNS = Array.from({ length: 30 }, (_, i) => `x${i}`)

const MODELS = new URL('.cache/models/', import.meta.url).pathname
const PYTHON = new URL('.cache/venv/bin/python', import.meta.url).pathname
const MODEL = join(MODELS, 'rf-30.joblib')
if (!existsSync(MODEL))
  execFileSync(PYTHON, [new URL('engine/train.py', import.meta.url).pathname, MODELS, 'rf-30'])
const folder = mkdtempSync(join(tmpdir(), 'millwright-bench-'))
const inFolder = (name: string): string => join(folder, name)

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
const random = COLUMNS.map((name) => `random() * 10 - 5 as ${name}`).join(', ')
await connection.run(
  `copy (select range as id, ${random} from range(${ROWS})) to '${inFolder('in.parquet')}'`,
)
for (const format of ['csv', 'ndjson'])
  await connection.run(
    `copy (from '${inFolder('in.parquet')}' limit ${TEXT_ROWS}) to '${inFolder(`in.${format}`)}' (format ${format === 'csv' ? 'csv' : 'json'})`,
  )

/** Seconds by the clock, and of CPU where it is known. */
type Took = { readonly seconds: number; readonly cpu: number; readonly megabytes?: number }

async function inProcess(): Promise<Took> {
  const rows = 200_000
  const { program } = await compileFile(readFileSync(MODEL))
  const pool = openPool({ threads: availableParallelism(), runMs: 60_000 })
  const model = pool.open(shareProgram(program))
  const numbers = Float64Array.from({ length: rows * COLUMNS.length }, () => Math.random() * 10 - 5)
  let best: Took = { seconds: Number.POSITIVE_INFINITY, cpu: 0 }
  for (let round = 0; round < 4 * ROUNDS; round++) {
    const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
    await model.run({ rows, numbers, cells: [] }, ['predict', 'predict_proba'])
    const { user, system } = process.cpuUsage(cpu)
    const took = { seconds: (performance.now() - startedAt) / 1000, cpu: (user + system) / 1e6 }
    if (took.seconds < best.seconds) best = took
  }
  await pool.close()
  return { seconds: best.seconds * (ROWS / rows), cpu: best.cpu * (ROWS / rows) }
}

async function copy(): Promise<Took> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
  await connection.run(
    `copy (from '${inFolder('in.parquet')}') to '${inFolder('copy.parquet')}' (format parquet)`,
  )
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - startedAt) / 1000, cpu: (user + system) / 1e6 }
}

const LAUNCHER = new URL('../bin/millwright.js', import.meta.url).pathname
/** The command, its process and all; what it took is read from /usr/bin/time. */
function batch(from: string, to: string): Took {
  const log = inFolder('time')
  const args = ['-o', log, '-f', '%e %U %S %M', process.execPath, LAUNCHER]
  execFileSync('/usr/bin/time', [
    ...args,
    ...['batch', MODEL, '--in', inFolder(from), '--out', inFolder(to), '--quiet'],
  ])
  const [seconds, user, system, kilobytes] = readFileSync(log, 'utf8').split(' ').map(Number) as [
    number,
    number,
    number,
    number,
  ]
  return { seconds, cpu: user + system, megabytes: kilobytes / 1000 }
}

const LIBRARY = `
import sys, time, joblib, numpy as np
model = joblib.load(sys.argv[1]).set_params(n_jobs=${availableParallelism()})
rows = np.random.default_rng(7).uniform(-5, 5, (200_000, 30))
best = (9e9, 0)
for _ in range(${ROUNDS}):
    start, cpu = time.perf_counter(), time.process_time()
    model.predict(rows), model.predict_proba(rows)
    best = min(best, (time.perf_counter() - start, time.process_time() - cpu))
print(*best)
`
function library(): Took {
  const [seconds, cpu] = execFileSync(PYTHON, ['-c', LIBRARY, MODEL], { encoding: 'utf8' })
    .split(' ')
    .map((text) => Number(text) * (ROWS / 200_000)) as [number, number]
  return { seconds, cpu }
}

const best = (a: Took | undefined, b: Took): Took => (a === undefined || b.seconds < a.seconds ? b : a)
const WORK: readonly { name: string; rows: number; run: () => Took | Promise<Took> }[] = [
  { name: 'in the process', rows: ROWS, run: inProcess },
  { name: 'scikit-learn over an array', rows: ROWS, run: library },
  { name: 'Parquet copied by DuckDB, no model', rows: ROWS, run: copy },
  { name: 'batch, Parquet to Parquet', rows: ROWS, run: () => batch('in.parquet', 'out.parquet') },
  { name: 'batch, CSV to CSV', rows: TEXT_ROWS, run: () => batch('in.csv', 'out.csv') },
  { name: 'batch, NDJSON to NDJSON', rows: TEXT_ROWS, run: () => batch('in.ndjson', 'out.ndjson') },
]
const results = new Map<string, Took>()
for (let round = 0; round < ROUNDS; round++)
  for (const { name, run } of WORK) results.set(name, best(results.get(name), await run()))

console.log(`${ROWS} rows of Parquet, ${TEXT_ROWS} of text; ${availableParallelism()} cores\n`)
console.log('| | rows/s | CPU µs a row | MB |\n|---|---|---|---|')
for (const { name, rows } of WORK) {
  const { seconds, cpu, megabytes } = results.get(name)!
  console.log(
    `| ${name} | ${Math.round(rows / seconds)} | ${((cpu / rows) * 1e6).toFixed(2)} | ${megabytes?.toFixed(0) ?? ''} |`,
  )
}
const secondsOf = (name: string): number => results.get(name)!.seconds
console.log(
  `\nParquet to Parquet takes ${(secondsOf(WORK[3]!.name) / secondsOf(WORK[2]!.name)).toFixed(2)} × as long as copying the file; ` +
    `scoring is ${(secondsOf(WORK[1]!.name) / secondsOf(WORK[0]!.name)).toFixed(1)} × as fast as the library. ` +
    `The file has ${(statSync(inFolder('in.parquet')).size / 1e6).toFixed(0)} MB.`,
)
connection.closeSync()
instance.closeSync()
rmSync(folder, { recursive: true })
