import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Growth, grow, growth, programOf, rowsFor } from '../../test/random-forest.ts'
import type { Frame, Program } from '../ir/program.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { layOutForest } from '../wasm/tree-memory.ts'
import { compileProgram } from './compiled.ts'
import { interpret } from './reference.ts'

const bitsOf = (program: Program, frame: Frame, build: typeof interpret): BigInt64Array => {
  const data = build(program).run(frame, ['raw_margin'])[0]!.parts[0]!.data as Float64Array
  return new BigInt64Array(data.buffer)
}

test('the kernel answers the bits of the reference on any forest, on thresholds, their neighbours, NaN and infinities', () => {
  fc.assert(
    fc.property(growth, (g) => {
      const attrs = grow(g)
      const program = programOf(attrs, g.features)
      const frame = rowsFor(attrs, g.features, 21)
      expect(bitsOf(program, frame, compileProgram)).toEqual(bitsOf(program, frame, interpret))
    }),
    { numRuns: 300 },
  )
})

const example: Growth = {
  seed: 5,
  trees: 11,
  depth: 8,
  leafChance: 0.15,
  features: 6,
  leafWidth: 2,
  outputs: 1,
  cast: 'f32',
  compare: 'le',
  missing: true,
  categorical: false,
  divide: 11,
}

test.each([
  ['narrow', example],
  ['wide', { ...example, cast: 'f64' as const }],
  ['sets', { ...example, categorical: true }],
  ['narrow', { ...example, sum: 'f32' as const }],
])('%s nodes: rows answer the same whatever batch they come in', (form, g) => {
  const attrs = grow(g)
  const program = programOf(attrs, g.features)
  const executable = compileProgram(program)
  const all = rowsFor(attrs, g.features, 1000)
  const alone = Array.from({ length: 1000 }, (_, row) => {
    const numbers = all.numbers.subarray(row * g.features, (row + 1) * g.features)
    return [
      ...(executable.run({ rows: 1, numbers, cells: [] }, ['raw_margin'])[0]!.parts[0]!.data as Float64Array),
    ]
  })

  expect(layOutForest(attrs)!.form).toBe(form)
  for (const rows of [1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000]) {
    const frame = { rows, numbers: all.numbers.slice(0, rows * g.features), cells: [] }
    const { data } = executable.run(frame, ['raw_margin'])[0]!.parts[0]!
    expect([...(data as Float64Array)]).toEqual(alone.slice(0, rows).flat())
  }
})

test('a forest of many columns falls back to wide nodes when a child is too far for a narrow one', () => {
  const features = 4000
  const attrs = grow({ ...example, trees: 1, depth: 15, leafChance: 0, features })
  const frame = rowsFor(attrs, features, 9)
  const program = programOf(attrs, features)

  expect(layOutForest(attrs)!.form).toBe('wide')
  expect(bitsOf(program, frame, compileProgram)).toEqual(bitsOf(program, frame, interpret))
})

test('a forest without trees answers what its sums start at', () => {
  const attrs = { ...grow(example), roots: new Int32Array(0), slots: new Int32Array(0) }
  const frame = rowsFor(attrs, example.features, 9)
  const program = programOf(attrs, example.features)

  expect(bitsOf(program, frame, compileProgram)).toEqual(bitsOf(program, frame, interpret))
})

test('rows are added to starts of their own', () => {
  const attrs = grow({ ...example, features: 2, leafWidth: 1, outputs: 2 })
  const base = programOf(attrs, 2)
  const program: Program = {
    ...base,
    nodes: [base.nodes[0]!, { op: 'trees-onto', inputs: [0, 0], attrs }],
  }
  const frame = rowsFor(attrs, 2, 75)

  expect(bitsOf(program, frame, compileProgram)).toEqual(bitsOf(program, frame, interpret))
})

test.each([
  ['fractional children', { left: new Float64Array([0.5]) }],
  ['roots in a plain list', { roots: [0] }],
  ['half a value per leaf', { leafWidth: 0.5 }],
])('a stored forest with %s is refused before it is laid out', (_, change) => {
  const attrs = { ...grow({ ...example, trees: 1, depth: 0 }), ...change } as TreesAttrs

  expect(() => compileProgram(programOf(attrs, example.features))).toThrow(RangeError)
})
