import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { compileProgram } from '../packages/engine/src/exec/compiled.ts'
import { batchKernelOf } from '../packages/engine/src/exec/trees.ts'
import { estimatorOf, readModelFile } from '../packages/engine/src/formats/read-file.ts'
import type { Cell, Executable, Frame, Program } from '../packages/engine/src/ir/program.ts'
import type { TreesAttrs } from '../packages/engine/src/ops/trees.ts'
import { lowerModel } from '../packages/engine/src/sklearn/lower.ts'

/**
 * node bench/engine.ts [model …]: microseconds per row of predict_proba in this process beside scikit-learn's, measured
 * one after the other, one thread each, best of several runs. Set up once with bench/setup-python.sh; the first run
 * trains the models.
 */
const PYTHON = new URL('.cache/venv/bin/python', import.meta.url)
const FOLDER = new URL('.cache/models/', import.meta.url)
if (!existsSync(PYTHON)) throw new Error('no Python to compare with; run bench/setup-python.sh first')
execFileSync(PYTHON.pathname, [new URL('train.py', import.meta.url).pathname, FOLDER.pathname])

type Times = { readonly single: number; readonly batch: number }
const theirs = JSON.parse(readFileSync(new URL('times.json', FOLDER), 'utf8')) as Record<string, Times>
const wanted = Object.keys(theirs).filter((name) => process.argv.length === 2 || process.argv.includes(name))

console.log(
  'model          µs/row   single  sklearn   ratio    batch  sklearn   ratio  load ms  different  batches by',
)
for (const name of wanted) {
  const [executable, loadMs] = load(name)
  const frame = readFrame(name, executable.program)
  const rows = singleRows(frame)
  const ours = {
    single: bestMicros(() => {
      for (const row of rows) executable.run(row, ['predict_proba'])
    }, rows.length),
    batch: bestMicros(() => executable.run(frame, ['predict_proba']), frame.rows),
  }
  const sides = (['single', 'batch'] as const).map((side) =>
    [
      ours[side].toFixed(2).padStart(9),
      theirs[name]![side].toFixed(1).padStart(8),
      `${(theirs[name]![side] / ours[side]).toFixed(1)}×`.padStart(8),
    ].join(''),
  )
  console.log(
    `${name.padEnd(20)}${sides.join('')}${loadMs.toFixed(0).padStart(9)}${String(differences(name, executable, frame)).padStart(11)}  ${kernelOf(executable.program)}`,
  )
}

function load(name: string): [Executable, number] {
  const start = performance.now()
  const file = readFileSync(new URL(`${name}.joblib`, FOLDER))
  const executable = compileProgram(lowerModel(estimatorOf(readModelFile(file))))
  return [executable, performance.now() - start]
}

/** The kernel that was chosen for batches of its trees. */
function kernelOf({ nodes }: Program): string {
  const trees = nodes.filter(({ op }) => op === 'trees' || op === 'trees-onto')
  return [...new Set(trees.map(({ attrs }) => batchKernelOf(attrs as TreesAttrs)))].join()
}

function readFrame(name: string, program: Program): Frame {
  const bytes = readFileSync(new URL(`${name}.rows`, FOLDER))
  if (bytes[0] !== 0x5b || program.inputs.every(({ kind }) => kind === 'number')) {
    const numbers = new Float64Array(Uint8Array.from(bytes).buffer)
    return { rows: numbers.length / program.inputs.length, numbers, cells: [] }
  }
  const rows = JSON.parse(bytes.toString()) as Cell[][]
  const slab = (kind: string): Cell[] =>
    rows.flatMap((row) => row.filter((_, i) => program.inputs[i]!.kind === kind))
  const numbers = Float64Array.from(slab('number'), (cell) => (cell === null ? Number.NaN : Number(cell)))
  return { rows: rows.length, numbers, cells: slab('cell') }
}

/** The first rows as frames of their own: different ones, so that branch predictors learn nothing by heart. */
function singleRows({ rows, numbers, cells }: Frame): Frame[] {
  const [n, c] = [numbers.length / rows, cells.length / rows]
  return Array.from({ length: 1000 }, (_, row) => ({
    rows: 1,
    numbers: numbers.slice(row * n, (row + 1) * n),
    cells: cells.slice(row * c, (row + 1) * c),
  }))
}

function bestMicros(run: () => void, rows: number): number {
  let best = Number.POSITIVE_INFINITY
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const start = performance.now()
    run()
    best = Math.min(best, performance.now() - start)
  }
  return (best * 1000) / rows
}

/** Probabilities that are not the bits scikit-learn answered. */
function differences(name: string, executable: Executable, frame: Frame): number {
  const expected = new Float64Array(Uint8Array.from(readFileSync(new URL(`${name}.proba`, FOLDER))).buffer)
  const answered = executable.run(frame, ['predict_proba'])[0]!.parts[0]!.data as Float64Array
  return expected.reduce((count, value, i) => count + (Object.is(value, answered[i]) ? 0 : 1), 0)
}
