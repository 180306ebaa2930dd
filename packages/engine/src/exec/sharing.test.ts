import { expect, test } from 'vitest'
import { grow, programOf, rowsFor } from '../../test/random-forest.ts'
import type { Program } from '../ir/program.ts'
import { compileProgram } from './compiled.ts'
import type { Seat } from './place.ts'

const SEATS = 3
const seat = (number: number): Seat => ({ number, of: SEATS, isPioneer: number === 1 })

const forest = grow({
  ...{ seed: 5, trees: 60, depth: 6, leafChance: 0.1, features: 6, leafWidth: 1, outputs: 1 },
  ...{ cast: 'f64', compare: 'le', missing: true, categorical: false, divide: 1 },
})
const points = Float64Array.from({ length: 6 * 40 }, (_, i) => Math.sin(i))
const ofForest = programOf(forest, 6)
const ofPoints: Program = {
  ...ofForest,
  nodes: [
    ofForest.nodes[0]!,
    { op: 'distances', inputs: [0], attrs: { metric: 'squared', points, power: 2 } },
  ],
  outputs: [{ name: 'raw_margin', parts: [1], shape: 'matrix', dtype: 'float64' }],
}

test.each([
  ['a forest', ofForest],
  ['points', ofPoints],
])('%s laid out once answers on every seat, whose rows do not meet', (_, program) => {
  const frames = [0, 1, 2].map((i) => rowsFor(forest, 6, 75 + i))
  const alone = compileProgram(program)
  const first = compileProgram(program, { seat: seat(0) })
  first.prepare(['raw_margin'])
  const { layouts } = first
  const all = [first, ...[1, 2].map((number) => compileProgram(program, { seat: seat(number), layouts }))]

  const answers = () => all.map((one, i) => one.run(frames[i]!, ['raw_margin']))

  expect(answers()).toEqual(frames.map((frame) => alone.run(frame, ['raw_margin'])))
  expect(answers()).toEqual(frames.map((frame) => alone.run(frame, ['raw_margin'])))
  const memories = all.map((one) => (one.layouts[1]!.forest ?? one.layouts[1]!.dense)!.memory)
  expect(new Set(memories).size).toBe(1)
  expect(memories[0]!.buffer).toBeInstanceOf(SharedArrayBuffer)
})

test('a faster kernel that one thread found is taken by the others, which build none', () => {
  const batch = rowsFor(forest, 6, 256 * 200)
  const alone = compileProgram(ofForest).run(batch, ['raw_margin'])
  const first = compileProgram(ofForest, { seat: seat(0) })
  first.prepare(['raw_margin'])
  const { layouts } = first
  const [pioneer, other] = [1, 2].map((number) => compileProgram(ofForest, { seat: seat(number), layouts }))

  expect(other!.run(batch, ['raw_margin'])).toEqual(alone)
  expect(other!.layouts[1]!.mux).toBeUndefined()
  expect(pioneer!.run(batch, ['raw_margin'])).toEqual(alone)
  Object.assign(other!.layouts[1]!, pioneer!.layouts[1])
  expect(other!.run(batch, ['raw_margin'])).toEqual(alone)
})

test('several threads compute parts of what one answers', () => {
  const frame = rowsFor(forest, 6, 100)
  const whole = compileProgram(ofForest, { seat: seat(0) })
  const results = whole.createResults(['raw_margin'], 100)

  for (const [number, from, to] of [
    [1, 0, 64],
    [2, 64, 100],
  ] as const) {
    const thread = compileProgram(ofForest, { seat: seat(number), layouts: whole.layouts })
    const part = results.map((values) => (values as Float64Array).subarray(from, to))
    const numbers = frame.numbers.subarray(from * 6, to * 6)
    thread.compute({ rows: to - from, numbers, cells: [] }, ['raw_margin'], part)
  }

  expect(whole.answer(['raw_margin'], results, 100)).toEqual(
    compileProgram(ofForest).run(frame, ['raw_margin']),
  )
})
