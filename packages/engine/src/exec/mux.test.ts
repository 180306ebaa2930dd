import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placeAlone } from '../../test/place.ts'
import { type Growth, grow, programOf, rowsFor } from '../../test/random-forest.ts'
import type { Frame } from '../ir/program.ts'
import type { BlockKernel } from '../ops/op.ts'
import { numbers } from '../ops/op.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { compileMux } from '../wasm/mux-memory.ts'
import { compileProgram } from './compiled.ts'
import { muxBlock } from './mux.ts'
import { interpret } from './reference.ts'
import { scalarBlock } from './trees.ts'

const boosters: fc.Arbitrary<Growth> = fc.record({
  seed: fc.nat(),
  trees: fc.integer({ min: 1, max: 20 }),
  depth: fc.integer({ min: 1, max: 6 }),
  leafChance: fc.constantFrom(0.05, 0.3),
  features: fc.integer({ min: 4, max: 9 }),
  leafWidth: fc.constant(1),
  outputs: fc.integer({ min: 1, max: 3 }),
  cast: fc.constantFrom('f32', 'f64'),
  compare: fc.constantFrom('le', 'lt'),
  missing: fc.boolean(),
  categorical: fc.boolean(),
  sets: fc.constantFrom(1, 4, 6, 12),
  divide: fc.constantFrom(1, 3),
  sum: fc.constantFrom('f64', 'f32'),
})

const example: Growth = {
  seed: 5,
  trees: 20,
  depth: 6,
  leafChance: 0.1,
  features: 6,
  leafWidth: 1,
  outputs: 1,
  cast: 'f64',
  compare: 'le',
  missing: true,
  categorical: false,
  divide: 1,
}

function muxOf(attrs: TreesAttrs, features: number): BlockKernel | undefined {
  const steps = compileMux(attrs, features)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value && muxBlock(attrs, [numbers(features)], step.value)
  }
}

/** What a kernel answers to the first rows of a frame, as bits. */
function answered(kernel: BlockKernel, frame: Frame, features: number, width: number): BigInt64Array {
  const block = (columns: number, values: Float64Array) => ({
    type: numbers(columns),
    numbers: values,
    cells: [],
  })
  const out = block(width, new Float64Array(frame.rows * width))
  kernel([block(features, frame.numbers)], out, frame.rows)
  return new BigInt64Array(out.numbers.buffer)
}

test('whole trees answer the bits of the reference and of one path, on thresholds, their neighbours, NaN and infinities', () => {
  fc.assert(
    fc.property(boosters, (g) => {
      const attrs = grow(g)
      const mux = muxOf(attrs, g.features)
      fc.pre(mux !== undefined)
      const all = rowsFor(attrs, g.features, 1024)
      const expected = answered(
        scalarBlock(attrs, [numbers(g.features)], placeAlone())!,
        all,
        g.features,
        g.outputs,
      )
      const reference = interpret(programOf(attrs, g.features)).run(all, ['raw_margin'])[0]!.parts[0]!
      expect(expected).toEqual(new BigInt64Array((reference.data as Float64Array).buffer))

      for (const rows of [1, 64, 65, 255, 256, 1000, 1024]) {
        const frame = { rows, numbers: all.numbers.slice(0, rows * g.features), cells: [] }
        const bits = answered(mux!, frame, g.features, g.outputs)
        expect(bits).toEqual(expected.slice(0, rows * g.outputs))
      }
    }),
    { numRuns: 60 },
  )
})

test('a batch answers the same bits before, while and after the kernel for batches is built and chosen', () => {
  const attrs = grow(example)
  const program = programOf(attrs, example.features)
  const frame = rowsFor(attrs, example.features, 256)
  const bitsOf = (build: typeof interpret) => {
    const executable = build(program)
    return () => {
      const { data } = executable.run(frame, ['raw_margin'])[0]!.parts[0]!
      return new BigInt64Array((data as Float64Array).buffer).join()
    }
  }
  const compiled = bitsOf(compileProgram)

  expect(new Set(Array.from({ length: 400 }, compiled))).toEqual(new Set([bitsOf(interpret)()]))
})

test('trees are added to starts of their own', () => {
  const g = { ...example, features: 3, trees: 7, outputs: 3 }
  const attrs = grow(g)
  const frame = rowsFor(attrs, 3, 300)
  const onto =
    (kernel: BlockKernel): BlockKernel =>
    ([x], out, rows) =>
      kernel([x!, x!], out, rows)

  const bits = answered(onto(muxOf(attrs, 3)!), frame, 3, 3)

  expect(bits).toEqual(
    answered(onto(scalarBlock(attrs, [numbers(3), numbers(3)], placeAlone())!), frame, 3, 3),
  )
})

/** Trees of one split each, of one column and all different. */
function stumps(count: number): TreesAttrs {
  const nodes = (of: (tree: number) => readonly number[]): number[] =>
    Array.from({ length: count }, (_, tree) => of(tree)).flat()
  return {
    ...grow({ ...example, trees: 1, depth: 0 }),
    roots: Int32Array.from({ length: count }, (_, tree) => tree * 3),
    feature: Int32Array.from(nodes(() => [0, -1, -1])),
    threshold: Float64Array.from(nodes((tree) => [tree / 8, 0, 0])),
    left: Int32Array.from(nodes((tree) => [tree * 3 + 1, tree * 2, tree * 2 + 1])),
    right: Int32Array.from(nodes((tree) => [tree * 3 + 2, 0, 0])),
    missingLeft: Uint8Array.from(nodes((tree) => [tree % 2, 0, 0])),
    categories: Int32Array.from(nodes(() => [-1, -1, -1])),
    values: Float64Array.from({ length: count * 2 }, (_, i) => 1 / (i + 1)),
    slots: new Int32Array(count),
  }
}

test.each([1, 2, 4, 5, 7, 8, 9])('%i sets of categories that part each other', (count) => {
  const rows = 2 ** 9
  const strange = [Number.NaN, Number.POSITIVE_INFINITY, -0, -0.5, 256, 3.7, 2 ** 31, 2 ** 32 - 1]
  const frame = {
    rows,
    numbers: Float64Array.from({ length: rows }, (_, i) => strange[i - 300] ?? i),
    cells: [],
  }
  const attrs = parting(count)
  const expected = answered(scalarBlock(attrs, [numbers(1)], placeAlone())!, frame, 1, 1)

  expect(answered(muxOf(attrs, 1)!, frame, 1, 1)).toEqual(expected)
  expect(new Set(expected).size).toBe(Math.min(2 ** count, 257))
})

/** A stump for every bit of a category, then one for what is missing; every way through them has another sum. */
function parting(count: number): TreesAttrs {
  const plain = stumps(count)
  const isSplit = (node: number) => plain.feature[node] === 0
  return {
    ...plain,
    categories: plain.categories.map((_, node) => (isSplit(node) ? node / 3 : -1)),
    missingLeft: plain.missingLeft.map((_, node) => (isSplit(node) && node / 3 === 8 ? 1 : 0)),
    sets: Uint32Array.from({ length: count * 8 }, (_, word) => {
      const bits = Array.from({ length: 32 }, (_, bit) => (((word % 8) * 32 + bit) >> (word >> 3)) & 1)
      return bits.reduce((all, bit, i) => all + bit * 2 ** i, 0)
    }),
    values: Float64Array.from({ length: count * 2 }, (_, leaf) => (leaf % 2 === 0 ? 2 ** (leaf / 2) : 0)),
  }
}

test('a column is compared with up to 255 numbers', () => {
  const attrs = stumps(255)
  const frame = rowsFor(attrs, 1, 1000)

  expect(answered(muxOf(attrs, 1)!, frame, 1, 1)).toEqual(
    answered(scalarBlock(attrs, [numbers(1)], placeAlone())!, frame, 1, 1),
  )
  expect(muxOf(stumps(256), 1)).toBeUndefined()
})

test('a tree has up to 128 leaves, and the last one is found', () => {
  const attrs = grow({ ...example, trees: 3, depth: 12, leafChance: 0 })
  const full = { ...example, trees: 1, leafChance: 0, features: 2 }
  const [largest, larger] = [7, 8].map((depth) => firstFull(full, depth))
  const frame = rowsFor(largest!, 2, 1000)

  expect(answered(muxOf(largest!, 2)!, frame, 2, 1)).toEqual(
    answered(scalarBlock(largest!, [numbers(2)], placeAlone())!, frame, 2, 1),
  )
  expect(muxOf(larger!, 2)).toBeUndefined()
  expect(muxOf(attrs, example.features)).toBeUndefined()
})

/** A tree of that depth without early leaves; grown trees are up to two levels less deep than asked for. */
function firstFull(g: Growth, depth: number): TreesAttrs {
  for (let seed = 1; ; seed++) {
    const attrs = grow({ ...g, seed, depth })
    if (attrs.values.length === 2 ** depth) return attrs
  }
}

test('trees that compare the same on all nodes of a level', () => {
  const g = { ...example, trees: 1, leafChance: 0 }
  for (const depth of [1, 2, 3, 6, 7]) {
    const attrs = evened(firstFull(g, depth))
    const frame = rowsFor(attrs, g.features, 1000)
    const expected = answered(scalarBlock(attrs, [numbers(g.features)], placeAlone())!, frame, g.features, 1)

    expect(answered(muxOf(attrs, g.features)!, frame, g.features, 1)).toEqual(expected)
    expect(new Set(expected).size).toBeGreaterThan(depth)
  }
})

/** The tree with all nodes of a level comparing what the first one does. */
function evened(attrs: TreesAttrs): TreesAttrs {
  const feature = attrs.feature.slice()
  const threshold = attrs.threshold.slice()
  const missingLeft = attrs.missingLeft.slice()
  for (let level = [attrs.roots[0]!]; feature[level[0]!]! >= 0; ) {
    for (const node of level) {
      feature[node] = feature[level[0]!]!
      threshold[node] = threshold[level[0]!]!
      missingLeft[node] = missingLeft[level[0]!]!
    }
    level = level.flatMap((node) => [attrs.left[node]!, attrs.right[node]!])
  }
  return { ...attrs, feature, threshold, missingLeft }
}

test.each([
  ['several values per leaf', { leafWidth: 2 }],
  ['no splits', { depth: 0 }],
])('forests with %s are left to the other kernel', (_, change) => {
  expect(muxOf(grow({ ...example, ...change }), example.features)).toBeUndefined()
})

test('a threshold that is not a number is left to the other kernel', () => {
  const attrs = grow(example)
  const split = attrs.feature.findIndex((feature) => feature >= 0)
  const threshold = attrs.threshold.with(split, Number.NaN)

  expect(muxOf({ ...attrs, threshold }, example.features)).toBeUndefined()
})
