import { expect, test } from 'vitest'
import { grow, programOf } from '../../test/random-forest.ts'
import { compileProgram } from '../exec/compiled.ts'
import { Graph } from '../ir/graph.ts'
import type { Answer, Executable, Program, Ref } from '../ir/program.ts'
import { nextDown32, nextUp64 } from '../math/adjacent.ts'
import { check } from '../ops/checks.ts'
import { categoryIndex } from '../ops/encoding.ts'
import { argmax, expit } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { arithmetic } from '../ops/scaling.ts'
import { trees } from '../ops/trees.ts'
import { boundaryRows } from './boundary.ts'
import { contractOf } from './contract.ts'
import { selfCheck } from './self-check.ts'
import { compareWithExpected } from './tolerance.ts'

const forest = grow({
  seed: 3,
  trees: 9,
  depth: 5,
  leafChance: 0.1,
  features: 3,
  leafWidth: 2,
  outputs: 1,
  cast: 'f32',
  compare: 'le',
  missing: false,
  categorical: false,
  divide: 9,
})

/** A program of three number columns and a text column, whose answer is the node that `build` adds. */
function program(build: (graph: Graph, numbers: Ref, text: Ref) => Ref): Program {
  const graph = new Graph([
    { name: 'a', kind: 'number' },
    { name: 'b', kind: 'number' },
    { name: 'c', kind: 'number' },
    { name: 'd', kind: 'cell' },
  ])
  const answer = build(graph, graph.input([0, 1, 2]), graph.input([3]))
  return {
    version: 1,
    origin: { library: 'none', libraryVersion: '0', estimator: 'none' },
    inputs: graph.columns,
    nodes: graph.nodes,
    outputs: [{ name: 'transform', parts: [answer], shape: 'matrix', dtype: 'float64' }],
    classes: [],
  }
}

const refusing = program((graph, x) => {
  const checked = graph.add(check, [x], { nan: 'refuse', inf: 'refuse', limit: 'f32' })
  return graph.add(trees, [checked], forest)
})

test('a compiled program passes its self-check, which also counts the rows that raise', () => {
  const { rows, raised, mismatches, firstMismatch } = selfCheck(refusing, compileProgram(refusing))

  expect({ rows, mismatches, firstMismatch }).toEqual({ rows: 256, mismatches: 0, firstMismatch: undefined })
  expect(raised).toBeGreaterThan(5)
  expect(raised).toBeLessThan(100)
})

/** An executable that answers something else than it should. */
const broken = (change: (answer: Answer, rows: number) => void): Executable => {
  const sound = compileProgram(refusing)
  return {
    program: refusing,
    run(frame, outputs) {
      const answers = sound.run(frame, outputs)
      for (const answer of answers) change(answer, frame.rows)
      return answers
    },
  }
}

test('the self-check measures both ways of running, unless told not to', () => {
  const measured = selfCheck(refusing, compileProgram(refusing), 1).microsPerRow

  expect(measured).toEqual({ single: expect.any(Number), batch: expect.any(Number) })
  expect(selfCheck(refusing, compileProgram(refusing), 0).microsPerRow).toBeUndefined()
})

test('the self-check finds one last bit in single rows', () => {
  const wrong = broken(({ parts }, rows) => {
    const data = parts[0]!.data as Float64Array
    if (rows === 1) data[1] = nextUp64(data[1]!)
  })

  const { rows, raised, mismatches } = selfCheck(refusing, wrong, 0)

  expect(mismatches).toBe(rows - raised)
})

test('the self-check finds one wrong row of a batch', () => {
  const wrong = broken(({ parts }, rows) => {
    if (rows > 1) (parts[0]!.data as Float64Array)[20] = -1
  })

  const { mismatches, firstMismatch } = selfCheck(refusing, wrong, 0)

  expect(mismatches).toBe(1)
  expect(firstMismatch).toMatchInlineSnapshot(`"row 16: transform [0] is -1, reference 0.017179149720403884"`)
})

test('the self-check finds a row that should have raised', () => {
  const lenient = program((graph, x) => graph.add(trees, [x], forest))

  const { raised, mismatches } = selfCheck(refusing, compileProgram(lenient), 0)

  expect(mismatches).toBe(raised)
})

test('boundary rows are the same for the same seed and others for another', () => {
  expect(boundaryRows(refusing, 50, 1)).toEqual(boundaryRows(refusing, 50, 1))
  expect(boundaryRows(refusing, 50, 1)).not.toEqual(boundaryRows(refusing, 50, 2))
})

test('boundary rows hold thresholds, their neighbours and what compares strangely', () => {
  const { numbers } = boundaryRows(programOf(forest, 3), 2000, 1)
  const seen = new Set(numbers)
  const splits = [...forest.threshold.filter((t, i) => forest.feature[i]! >= 0 && Number.isFinite(t))]

  for (const of of [(t: number) => t, nextUp64, (t: number) => nextDown32(Math.fround(t))])
    expect(splits.filter((t) => seen.has(of(t))).length).toBeGreaterThan(splits.length / 2)
  for (const strange of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0])
    expect(seen.has(strange)).toBe(true)
})

test('boundary rows hold the first and the last category of a set, and one more', () => {
  const sets = forest.feature.map((feature, node) => (feature === 1 ? node % 2 : -1))
  const words = Uint32Array.of(0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 ** 31)
  const { numbers } = boundaryRows(programOf({ ...forest, categories: sets, sets: words }, 3), 500, 1)

  expect([...numbers.filter((_, i) => i % 3 === 1)]).toEqual(expect.arrayContaining([68, 69, 70, 255, 256]))
})

test('boundary rows carry a threshold back through a scaler', () => {
  const scaled = program((graph, x) => {
    const steps = [
      { by: 'subtract' as const, values: Float64Array.of(10, 0, 0) },
      { by: 'divide' as const, values: Float64Array.of(4, 1, 1) },
    ]
    const y = graph.add(arithmetic, [x], { steps, single: false })
    const one = {
      ...forest,
      feature: forest.feature.map((f) => Math.min(f, 0)),
      threshold: forest.threshold.map(() => 0.5),
    }
    return graph.add(trees, [y], one)
  })

  const firstColumn = boundaryRows(scaled, 200, 1).numbers.filter((_, i) => i % 3 === 0)

  expect(firstColumn).toContain(12)
})

test('boundary rows hold known categories and one that nobody has seen', () => {
  const encoded = program((graph, _, text) =>
    graph.add(categoryIndex, [text], {
      categories: [['red', 'green']],
      nan: Int32Array.of(-1),
      refuse: Uint8Array.of(0),
      finite: Uint8Array.of(0),
    }),
  )

  const seen = new Set(boundaryRows(encoded, 200, 1).cells)

  for (const cell of ['red', 'green', 'a category nobody has seen', null]) expect(seen).toContain(cell)
})

test('trees promise bits, the logistic function 4 units, sums of products 1e-13', () => {
  const contract = (build: Parameters<typeof program>[0]) => contractOf(program(build)).transform
  const margin = (graph: Graph, x: Ref) => graph.add(trees, [x], forest)
  const product = (graph: Graph, x: Ref) =>
    graph.add(linear, [x], { weights: Float64Array.of(1, 2, 3), bias: Float64Array.of(0), single: false })

  expect(contract(margin)).toBe('bit-equal')
  expect(contract((graph, x) => graph.add(expit, [margin(graph, x)], { scale: 1 }))).toBe('ulp4')
  expect(contract(product)).toBe('abs1e-13')
  expect(contract((graph, x) => graph.add(expit, [product(graph, x)], { scale: 1 }))).toBe('abs1e-13')
  expect(contract((graph, x) => graph.add(argmax, [margin(graph, x)], {}))).toBe('bit-equal')
})

const answer = (data: readonly number[] | readonly string[], dtype = 'float64'): Answer => ({
  name: 'predict_proba',
  dtype,
  list: false,
  parts: [{ shape: [2, 2], data: typeof data[0] === 'number' ? Float64Array.from(data as number[]) : data }],
})

test('a comparison counts rows and shows the first values that differ', () => {
  const expected = [[0.5, 0.5, 0.75, 0.25]]

  expect(compareWithExpected(answer([0.5, 0.5, 0.75, 0.125]), expected, 'abs1e-13')).toEqual({
    rows: 2,
    equal: 1,
    maxDifference: 0.125,
    firstDifferences: [{ row: 1, part: 0, column: 1, expected: 0.25, actual: 0.125 }],
  })
})

test.each([
  ['bit-equal', 1, 1, true],
  ['bit-equal', 1, nextUp64(1), false],
  ['bit-equal', Number.NaN, Number.NaN, true],
  ['ulp4', 1 + 4 * 2 ** -52, 1, true],
  ['ulp4', 1 + 5 * 2 ** -52, 1, false],
  ['ulp4', Number.NaN, 1, false],
  ['abs1e-15', 1e-300, 1e-15, true],
  ['abs1e-15', 8 + 8 * 2 ** -49, 8, true],
  ['abs1e-15', 8 + 9 * 2 ** -49, 8, false],
  ['abs1e-13', 1e-13, 0, true],
  ['abs1e-13', 2e-13, 0, false],
  ['abs1e-13', Number.POSITIVE_INFINITY, 1, false],
  ['rel1e-5', 9e-7, 0, true],
  ['rel1e-5', 1.00002, 1, false],
] as const)('%s: %d for %d is %s', (contract, actual, expected, within) => {
  const { equal } = compareWithExpected(answer([0, 0, 0, actual]), [[0, 0, 0, expected]], contract)

  expect(equal).toBe(within ? 2 : 1)
})

test('float32 answers are compared in float32 units', () => {
  const near = [0.5, 0.5, 1, 1 + 4 * 2 ** -23]

  expect(compareWithExpected(answer(near, 'float32'), [[0.5, 0.5, 1, 1]], 'ulp4').equal).toBe(2)
  expect(compareWithExpected(answer(near), [[0.5, 0.5, 1, 1]], 'ulp4').equal).toBe(1)
})

test('labels are compared as values', () => {
  const expected = [['a', 'b', 'c', 'd']]

  expect(compareWithExpected(answer(['a', 'b', 'c', 'x']), expected, 'abs1e-13').equal).toBe(1)
})

test('a sample of another length is refused', () => {
  expect(() => compareWithExpected(answer([1, 2, 3, 4]), [[1]], 'ulp4')).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: compareWithExpected: 1 values for 4 answers]`,
  )
})
