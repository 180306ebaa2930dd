import { expect, test } from 'vitest'
import { RowError } from '../errors.ts'
import { Graph } from '../ir/graph.ts'
import type { Executable, Frame, Program, ProgramOutput, Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'
import { argmax } from '../ops/links.ts'
import { compileProgram } from './compiled.ts'
import { interpret } from './reference.ts'
import { warmUp } from './warm-up.ts'

/** Columns a (number), b (cell), c (number), d (cell). */
function program(build: (graph: Graph) => Omit<ProgramOutput, 'dtype'>[]): Program {
  const columns = ['a', 'b', 'c', 'd'].map((name, i) => ({
    name,
    kind: i % 2 === 0 ? ('number' as const) : ('cell' as const),
  }))
  const graph = new Graph(columns)
  const outputs = build(graph).map((output) => ({ ...output, dtype: 'float64' }))
  return {
    version: 1,
    origin: { library: 'none', libraryVersion: '0', estimator: 'none' },
    inputs: columns,
    nodes: graph.nodes,
    outputs,
    classes: [],
  }
}

const transform = (part: Ref): Omit<ProgramOutput, 'dtype'> => ({
  name: 'transform',
  parts: [part],
  shape: 'matrix',
})

const frameOf = (
  rows: readonly (readonly [number, string | number | null, number, string | null])[],
): Frame => ({
  rows: rows.length,
  numbers: Float64Array.from(rows.flatMap(([a, , c]) => [a, c])),
  cells: rows.flatMap(([, b, , d]) => [b, d]),
})

const executors: readonly [string, (program: Program) => Executable][] = [
  ['reference', interpret],
  ['compiled', compileProgram],
]

test.each(executors)('%s: input columns arrive in the order the program asks for', (_, build) => {
  const mixed = program((graph) => [transform(graph.input([3, 2, 0, 1]))])

  const [answer] = build(mixed).run(frameOf([[1, 'x', 2, null]]), ['transform'])

  expect(answer!.parts).toEqual([{ shape: [1, 4], data: [null, 2, 1, 'x'] }])
})

test.each(executors)('%s: the whole number slab in order answers itself in a fresh array', (_, build) => {
  const same = program((graph) => [transform(graph.input([0, 2]))])
  const frame = frameOf([
    [1, 'x', 2, null],
    [3, 'y', -0, null],
  ])

  const [answer] = build(same).run(frame, ['transform'])

  expect(answer!.parts[0]!.data).toEqual(frame.numbers)
  expect(answer!.parts[0]!.data).not.toBe(frame.numbers)
})

test.each(executors)('%s: an answer does not change when the next row is run', (_, build) => {
  const executable = build(program((graph) => [transform(graph.toNumbers(graph.input([1])))]))

  const [first] = executable.run(frameOf([[0, '1.5', 0, null]]), ['transform'])
  executable.run(frameOf([[0, '2.5', 0, null]]), ['transform'])

  expect(first!.parts[0]!.data).toEqual(Float64Array.of(1.5))
})

test.each(executors)('%s: labels are answered for class indices', (_, build) => {
  const labelled = program((graph) => [
    {
      name: 'predict',
      parts: [graph.add(argmax, [graph.input([0, 2])], {})],
      shape: 'vector',
      labels: [['no', 'yes']],
    },
  ])

  const [answer] = build(labelled).run(
    frameOf([
      [1, '', 2, ''],
      [2, '', 1, ''],
    ]),
    ['predict'],
  )

  expect(answer!.parts).toEqual([{ shape: [2], data: ['yes', 'no'] }])
})

test.each(executors)('%s: only what is asked for is run, in the order of the program', (_, build) => {
  const twoOutputs = program((graph) => {
    const checked = graph.add(check, [graph.input([0])], { nan: 'refuse', inf: 'refuse', limit: 'f64' })
    return [
      { name: 'predict', parts: [checked], shape: 'vector' },
      { name: 'raw_margin', parts: [graph.input([2])], shape: 'vector' },
    ]
  })
  const executable = build(twoOutputs)

  expect(executable.run(frameOf([[Number.NaN, '', 2, '']]), ['raw_margin'])).toHaveLength(1)
  expect(
    executable.run(frameOf([[1, '', 2, '']]), ['raw_margin', 'predict']).map(({ name }) => name),
  ).toEqual(['predict', 'raw_margin'])
})

test.each(executors)('%s: no rows give empty answers', (_, build) => {
  const same = program((graph) => [transform(graph.input([0, 2]))])

  expect(build(same).run(frameOf([]), ['transform'])[0]!.parts).toEqual([
    { shape: [0, 2], data: new Float64Array(0) },
  ])
})

test.each(executors)('%s: the first bad row is named with its field, in any block', (_, build) => {
  const text = program((graph) => [
    transform(graph.concat([graph.input([0]), graph.toNumbers(graph.select(graph.input([3, 1]), [1]))])),
  ])
  const rows = Array.from({ length: 600 }, (_, i) => [0, i >= 517 ? 'not a number' : '1', 0, null] as const)
  const executable = build(text)

  const run = (): unknown => {
    try {
      return executable.run(frameOf(rows), ['transform'])
    } catch (error) {
      return error
    }
  }

  expect(run()).toBeInstanceOf(RowError)
  expect(run()).toMatchObject({ message: 'could not convert text to a number', row: 517, field: 'b' })
  expect(executable.run(frameOf(rows.slice(0, 517)), ['transform'])[0]!.parts[0]!.shape).toEqual([517, 2])
})

test('a frame of another shape is refused', () => {
  const same = compileProgram(program((graph) => [transform(graph.input([0, 2]))]))

  expect(() =>
    same.run({ rows: 2, numbers: new Float64Array(3), cells: ['a'] }, ['transform']),
  ).toThrowErrorMatchingInlineSnapshot(
    `[RangeError: run: 2 rows of 2 numbers and 2 cells expected, got 3 and 1]`,
  )
})

test('warming up runs rows the program accepts, alone and together, and survives those it refuses', () => {
  const sizes = new Set<number>()
  const sound = compileProgram(
    program((graph) => [
      transform(graph.add(check, [graph.input([0, 2])], { nan: 'refuse', inf: 'refuse', limit: 'f32' })),
    ]),
  )
  const counting: Executable = {
    program: sound.program,
    run(frame, outputs) {
      const answers = sound.run(frame, outputs)
      sizes.add(answers[0]!.parts[0]!.shape[0]!)
      return answers
    },
  }

  warmUp(counting, 1)

  expect(sizes).toContain(1)
  expect(Math.max(...sizes)).toBeGreaterThan(30)
})
