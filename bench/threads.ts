import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { compileFile } from '../packages/engine/src/sandbox/compile-file.ts'
import { openPool, shareProgram } from '../packages/runtime/src/pool.ts'

/**
 * node bench/threads.ts [MODEL]: rows a second of a large batch on one thread and on two, in turns. Set up once with
 * bench/setup-python.sh.
 */
const name = process.argv[2] ?? 'rf-100'
const FOLDER = new URL('.cache/models/', import.meta.url)
const PYTHON = new URL('.cache/venv/bin/python', import.meta.url)
if (!existsSync(new URL(`${name}.joblib`, FOLDER)))
  execFileSync(PYTHON.pathname, [new URL('engine/train.py', import.meta.url).pathname, FOLDER.pathname, name])

const { program } = await compileFile(readFileSync(new URL(`${name}.joblib`, FOLDER)))
const rows = new Float64Array(Uint8Array.from(readFileSync(new URL(`${name}.rows`, FOLDER))).buffer)
const COPIES = 20
const numbers = new Float64Array(rows.length * COPIES)
for (let copy = 0; copy < COPIES; copy++) numbers.set(rows, copy * rows.length)
const frame = { rows: numbers.length / 30, numbers, cells: [] }

const pools = [1, 2].map((threads) => openPool({ threads, runMs: 60_000 }))
const models = pools.map((pool) => pool.open(shareProgram(program)))
const best = [0, 0]
for (let round = 0; round < 6; round++)
  for (const [i, model] of models.entries()) {
    const start = performance.now()
    await model.run(frame, ['predict_proba'])
    best[i] = Math.max(best[i]!, frame.rows / ((performance.now() - start) / 1000))
  }
for (const pool of pools) await pool.close()
const [one, two] = best as [number, number]
console.log(
  `${name}, ${frame.rows} rows: one thread ${one.toFixed(0)} rows/s, two ${two.toFixed(0)}: ${(two / one).toFixed(2)} ×`,
)
