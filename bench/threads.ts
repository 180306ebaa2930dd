import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileFile } from '../packages/engine/src/sandbox/compile-file.ts'
import { openPool, shareProgram } from '../packages/runtime/src/pool.ts'
import { proportionalMemory } from './http/programs.ts'

/**
 * node bench/threads.ts [MODEL]: rows a second of a large batch on one thread and on two, in turns, and what the model and
 * threads hold in memory. Set up once with bench/setup-python.sh.
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
const METHODS = ['predict_proba']
const SHARE_ROWS = 2048
const frame = { rows: numbers.length / 30, numbers, cells: [] }

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Megabytes of this process now that what is not needed is gone. */
async function memory(): Promise<number> {
  await sleep(500)
  collectGarbage()
  await sleep(500)
  return proportionalMemory([process.pid])
}

/** What each thread after the first takes in memory, of four that have computed; started from sources. */
async function measureMemory(): Promise<number> {
  const part = { rows: 4 * SHARE_ROWS, numbers: numbers.subarray(0, 4 * SHARE_ROWS * 30), cells: [] }
  const first = { rows: SHARE_ROWS, numbers: numbers.subarray(0, SHARE_ROWS * 30), cells: [] }
  const pool = openPool({ threads: 4, runMs: 60_000 })
  const model = pool.open(shareProgram(program))
  await model.run(first, METHODS)
  const one = await memory()
  await model.run(part, METHODS)
  const four = await memory()
  await pool.close()
  return (four - one) / 3
}

/** Best rows a second, and CPU microseconds a row then. */
type Speed = { perSecond: number; cpuMicros: number }

async function measureSpeed(): Promise<Speed[]> {
  const pools = [1, 2].map((threads) => openPool({ threads, runMs: 60_000 }))
  const models = pools.map((pool) => pool.open(shareProgram(program)))
  const best: Speed[] = models.map(() => ({ perSecond: 0, cpuMicros: Number.POSITIVE_INFINITY }))
  for (let round = 0; round < 12; round++)
    for (const [i, model] of models.entries()) {
      const [startedAt, cpu] = [performance.now(), process.cpuUsage()]
      await model.run(frame, METHODS)
      const { user, system } = process.cpuUsage(cpu)
      const perSecond = frame.rows / ((performance.now() - startedAt) / 1000)
      best[i]!.perSecond = Math.max(best[i]!.perSecond, perSecond)
      best[i]!.cpuMicros = Math.min(best[i]!.cpuMicros, (user + system) / frame.rows)
    }
  for (const pool of pools) await pool.close()
  return best
}

const threadMegabytes = await measureMemory()
const [one, two] = (await measureSpeed()) as [Speed, Speed]
console.log('| model | one thread, rows/s | two | ratio | CPU µs a row | two | MB a further thread |')
console.log('|---|---|---|---|---|---|---|')
console.log(
  `| ${name} | ${one.perSecond.toFixed(0)} | ${two.perSecond.toFixed(0)} | ${(two.perSecond / one.perSecond).toFixed(2)} × | ` +
    `${one.cpuMicros.toFixed(2)} | ${two.cpuMicros.toFixed(2)} | ${threadMegabytes.toFixed(0)} |`,
)
