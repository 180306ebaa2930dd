import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { compileProgram } from '../packages/engine/src/exec/compiled.ts'
import { batchKernelOf } from '../packages/engine/src/exec/trees.ts'
import { estimatorOf, readModelFile } from '../packages/engine/src/formats/read-file.ts'
import type { Cell, Executable, Frame, Program } from '../packages/engine/src/ir/program.ts'
import type { TreesAttrs } from '../packages/engine/src/ops/trees.ts'
import { lowerModel } from '../packages/engine/src/sklearn/lower.ts'

/**
 * node bench/engine.ts [MODEL …]: microseconds per row of predict_proba in this process beside those of the library that
 * trained the model and of programs that could serve it instead, measured one after the other, one thread each, best of
 * several runs. Set up once with bench/setup-python.sh; the first run trains the models.
 */
const PYTHON = new URL('.cache/venv/bin/python', import.meta.url)
const FOLDER = new URL('.cache/models/', import.meta.url)
if (!existsSync(PYTHON)) throw new Error('no Python to compare with; run bench/setup-python.sh first')
const script = new URL('engine/train.py', import.meta.url)
execFileSync(PYTHON.pathname, [script.pathname, FOLDER.pathname, ...process.argv.slice(2)], {
  stdio: ['ignore', 'inherit', 'inherit'],
})

type Times = { readonly single: number; readonly batch: number }
/** Model → peer → times; the first peer is the model's own library. */
type Peers = Readonly<Record<string, Readonly<Record<string, Times>>>>

const peers = JSON.parse(readFileSync(new URL('times.json', FOLDER), 'utf8')) as Peers
const HEADER =
  '| model | peer | single µs/row | peer | ratio | batch µs/row | peer | ratio | load ms | different | batches by |'
console.log(`${HEADER}\n|${'---|'.repeat(HEADER.split('|').length - 2)}`)
for (const [name, pythonPeers] of Object.entries(peers)) {
  const [executable, loadMs] = load(name)
  const frame = readFrame(name, executable.program)
  const rows = singleRows(frame)
  const node = await timeOnnxRuntime(name, frame)
  const theirs = { ...pythonPeers, ...(node && { 'onnxruntime in Node': node }) }
  const ours: Times = {
    single: bestMicros(() => {
      for (const row of rows) executable.run(row, ['predict_proba'])
    }, rows.length),
    batch: bestMicros(() => executable.run(frame, ['predict_proba']), frame.rows),
  }
  const about = [loadMs.toFixed(0), differences(name, executable, frame), kernelOf(executable.program)]
  for (const [index, [peer, times]] of Object.entries(theirs).entries()) {
    const sides = (['single', 'batch'] as const).flatMap((side) => [
      digits(ours[side]),
      digits(times[side]),
      `${digits(times[side] / ours[side])} ×`,
    ])
    console.log(`| ${[name, peer, ...sides, ...(index === 0 ? about : ['', '', ''])].join(' | ')} |`)
  }
}

/** ONNX Runtime in this process, on the export of the model where there is one. It reads float32. */
async function timeOnnxRuntime(name: string, frame: Frame): Promise<Times | undefined> {
  const file = new URL(`${name}.onnx`, FOLDER)
  if (peers[name]!.onnxruntime === undefined || !existsSync(file)) return undefined
  const session = await InferenceSession.create(file.pathname, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const width = frame.numbers.length / frame.rows
  const tensor = (from: number, rows: number): Tensor =>
    new Tensor('float32', Float32Array.from(frame.numbers.subarray(from * width, (from + rows) * width)), [
      rows,
      width,
    ])
  const [input, output] = [session.inputNames[0]!, session.outputNames[1]!]
  const run = (x: Tensor) => session.run({ [input]: x }, [output])
  const singles = Array.from({ length: 200 }, (_, row) => tensor(row, 1))
  const batch = tensor(0, frame.rows)
  const times = {
    single: await bestMicrosLater(async () => {
      for (const one of singles) await run(one)
    }, singles.length),
    batch: await bestMicrosLater(() => run(batch), frame.rows),
  }
  await session.release()
  return times
}

async function bestMicrosLater(run: () => Promise<unknown>, rows: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (const end = performance.now() + 1000; performance.now() < end; ) {
    const start = performance.now()
    await run()
    best = Math.min(best, performance.now() - start)
  }
  return (best * 1000) / rows
}

/** Three significant digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
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
  return [...new Set(trees.map(({ attrs }) => batchKernelOf(attrs as TreesAttrs)))].join() || '–'
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

/** Probabilities that are not the bits the library answered. */
function differences(name: string, executable: Executable, frame: Frame): number {
  const expected = new Float64Array(Uint8Array.from(readFileSync(new URL(`${name}.proba`, FOLDER))).buffer)
  const answered = executable.run(frame, ['predict_proba'])[0]!.parts[0]!.data as Float64Array
  return expected.reduce((count, value, i) => count + (Object.is(value, answered[i]) ? 0 : 1), 0)
}
