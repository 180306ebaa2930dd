import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { contractOf } from '@millwright/engine'
import { beforeAll, expect, test } from 'vitest'
import { compareWithExpected } from '../../packages/engine/src/check/tolerance.ts'
import { compileProgram } from '../../packages/engine/src/exec/compiled.ts'
import { estimatorOf, readModelFile } from '../../packages/engine/src/formats/read-file.ts'
import type { Answer, Cell, Frame, Method, Program } from '../../packages/engine/src/ir/program.ts'
import { lowerModel } from '../../packages/engine/src/sklearn/lower.ts'

/**
 * Models trained on the spot, a third of whose rows' numbers sit on the models' own thresholds, answered by
 * scikit-learn and by the compiled program. Needs python3 and, once, a network: see bench/setup-python.sh.
 */
const ROOT = new URL('../../', import.meta.url).pathname
const FOLDER = `${ROOT}bench/.cache/peers`
const SCRIPT = `${ROOT}test/nightly/train_peers.py`
const ROWS = 100_000

/** `numbers`: columns of the file of rows; otherwise rows are JSON. `classes` in the order of `predict`'s codes. */
type Peer = { readonly name: string; readonly numbers?: number; readonly classes?: readonly Cell[] }
const PEERS: readonly Peer[] = [
  { name: 'random-forest', numbers: 12 },
  { name: 'random-forest-regression', numbers: 12 },
  { name: 'extra-trees', numbers: 12 },
  { name: 'gradient-boosting', numbers: 12 },
  { name: 'gradient-boosting-three', numbers: 12 },
  { name: 'hist-gradient-boosting', numbers: 12 },
  { name: 'logistic-regression', numbers: 12 },
  { name: 'mixed-pipeline', classes: ['leaves', 'stays'] },
]
/** Additions and comparisons in the library's own order: not one bit may differ. */
const EXACT = /forest|extra-trees|mixed|\.predict$|boosting.*decision_function$/

beforeAll(() => {
  execFileSync('sh', [`${ROOT}bench/setup-python.sh`], { stdio: 'inherit' })
  if (existsSync(`${FOLDER}/mixed-pipeline.rows`) && isNewer(`${FOLDER}/mixed-pipeline.rows`, SCRIPT)) return
  mkdirSync(FOLDER, { recursive: true })
  execFileSync(`${ROOT}bench/.cache/venv/bin/python`, [SCRIPT, FOLDER], { stdio: 'inherit' })
}, 600_000)

const isNewer = (path: string, than: string): boolean => statSync(path).mtimeMs > statSync(than).mtimeMs

test.each(PEERS)('$name answers what scikit-learn answers, under its published contract', (peer) => {
  const program = lowerModel(estimatorOf(readModelFile(readFileSync(`${FOLDER}/${peer.name}.joblib`))))
  const frame = readFrame(peer, program)
  const contracts = contractOf(program)
  const executable = compileProgram(program)
  const methods = program.outputs
    .map((output) => output.name)
    .filter((method) => existsSync(`${FOLDER}/${peer.name}.${method}`))

  const found = executable.run(frame, methods).map((answer, i) => {
    const method = methods[i]!
    const expected = readAnswers(peer, method)
    const { equal, maxDifference } = compareWithExpected(answer, [expected], contracts[method]!)
    const bits = differentBits(answer, expected)
    console.log(
      `${peer.name}.${method}: ${contracts[method]}, ${ROWS - equal} of ${ROWS} rows outside, ` +
        `${bits} of ${expected.length} values with different bits, largest difference ${maxDifference}`,
    )
    return { method, outside: ROWS - equal, bits }
  })

  expect(methods).toContain('predict')
  expect(found.filter(({ outside }) => outside > 0)).toEqual([])
  expect(found.filter(({ method, bits }) => EXACT.test(`${peer.name}.${method}`) && bits > 0)).toEqual([])
})

const readDoubles = (path: string): Float64Array =>
  new Float64Array(Uint8Array.from(readFileSync(path)).buffer)

function readFrame({ name, numbers }: Peer, program: Program): Frame {
  const path = `${FOLDER}/${name}.rows`
  if (numbers !== undefined) {
    const values = readDoubles(path)
    expect(values.length).toBe(ROWS * numbers)
    return { rows: ROWS, numbers: values, cells: [] }
  }
  const rows = JSON.parse(readFileSync(path, 'utf8')) as Cell[][]
  const slab = (kind: string): Cell[] =>
    rows.flatMap((row) => row.filter((_, i) => program.inputs[i]!.kind === kind))
  const values = Float64Array.from(slab('number'), (cell) => (cell === null ? Number.NaN : Number(cell)))
  return { rows: rows.length, numbers: values, cells: slab('cell') }
}

function readAnswers({ name, classes }: Peer, method: Method): Cell[] {
  const values = Array.from(readDoubles(`${FOLDER}/${name}.${method}`))
  return method === 'predict' && classes !== undefined ? values.map((code) => classes[code]!) : values
}

function differentBits({ parts }: Answer, expected: readonly Cell[]): number {
  const values = parts.flatMap((part) => Array.from(part.data as ArrayLike<Cell>))
  return expected.filter((value, i) => !Object.is(value, values[i])).length
}
