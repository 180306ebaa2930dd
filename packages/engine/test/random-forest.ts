import fc from 'fast-check'
import type { Frame, Program } from '../src/ir/program.ts'
import { nextDown32, nextDown64, nextUp32, nextUp64 } from '../src/math/adjacent.ts'
import type { TreesAttrs } from '../src/ops/trees.ts'

export type Growth = {
  readonly seed: number
  readonly trees: number
  readonly depth: number
  /** How likely a node above that depth is a leaf. */
  readonly leafChance: number
  readonly features: number
  readonly leafWidth: number
  readonly outputs: number
  readonly cast: 'f32' | 'f64'
  readonly compare: 'le' | 'lt'
  readonly missing: boolean
  /** Every other column is one of categories, now and then compared with a number all the same. */
  readonly categorical: boolean
  /** How many sets of categories there are, 4 unless told. */
  readonly sets?: number
  readonly divide: number
  /** `f32`: float32 leaves added in float32, and nothing divided. */
  readonly sum?: 'f32' | 'f64'
}

export const growth: fc.Arbitrary<Growth> = fc.record({
  seed: fc.nat(),
  trees: fc.integer({ min: 1, max: 20 }),
  depth: fc.integer({ min: 0, max: 12 }),
  leafChance: fc.constantFrom(0.05, 0.3),
  features: fc.integer({ min: 1, max: 9 }),
  leafWidth: fc.constantFrom(1, 1, 2, 3, 4, 5, 17),
  outputs: fc.integer({ min: 1, max: 3 }),
  cast: fc.constantFrom('f32', 'f64'),
  compare: fc.constantFrom('le', 'lt'),
  missing: fc.boolean(),
  categorical: fc.boolean(),
  sets: fc.constantFrom(1, 4, 6, 12),
  divide: fc.constantFrom(1, 3, 100),
  sum: fc.constantFrom('f64', 'f32'),
})

/** A generator of numbers in [0, 1). */
function random(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const THRESHOLDS = [
  0,
  -0,
  0.5,
  -1.5,
  0.1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  5e-324,
  1e300,
  -1e300,
  2 ** -149,
]

/** A random forest: trees of random shape whose nodes are scattered through the columns. */
export function grow(g: Growth): TreesAttrs {
  const next = random(g.seed)
  const nodes: number[][] = []
  const values: number[] = []
  const width = g.outputs * g.leafWidth
  const sets = g.sets ?? 4
  const single = g.sum === 'f32'
  const sized = (value: number): number => (single ? Math.fround(value) : value)
  const leaf = (): number[] => {
    for (let i = 0; i < g.leafWidth; i++) values.push(next() < 0.05 ? -0 : next() - 0.5)
    return [-1, 0, values.length / g.leafWidth - 1, -1, 0, -1]
  }
  const split = (depth: number): number[] => {
    const feature = Math.floor(next() * g.features)
    const drawn = next()
    const special = THRESHOLDS[Math.floor(drawn * THRESHOLDS.length)]!
    const threshold = next() < 0.2 ? special : Math.fround(drawn * 4 - 2) + (drawn < 0.5 ? 1e-9 : 0)
    const missingLeft = g.missing && next() < 0.5 ? 1 : 0
    const isCategorical = g.categorical && feature % 2 === 0 && next() < 0.8
    const set = isCategorical ? Math.floor(next() * sets) : -1
    return [feature, threshold, plant(depth - 1), plant(depth - 1), missingLeft, set]
  }
  const plant = (depth: number): number => {
    const index = nodes.push([]) - 1
    nodes[index] = depth <= 0 || next() < g.leafChance ? leaf() : split(depth)
    return index
  }
  const roots = Int32Array.from({ length: g.trees }, () => plant(g.depth - Math.floor(next() * 3)))
  const column = (i: number) => nodes.map((node) => node[i]!)
  return {
    cast: g.cast,
    compare: g.compare,
    roots,
    feature: Int32Array.from(column(0)),
    threshold: Float64Array.from(column(1)),
    left: Int32Array.from(column(2)),
    right: Int32Array.from(column(3)),
    missingLeft: Uint8Array.from(column(4)),
    categories: Int32Array.from(column(5)),
    sets: Uint32Array.from({ length: sets * 8 }, () => next() * 2 ** 32),
    values: Float64Array.from(values, sized),
    leafWidth: g.leafWidth,
    slots: Int32Array.from(roots, (_, tree) => (tree % g.outputs) * g.leafWidth),
    init: Float64Array.from({ length: width }, (_, i) => sized(i === 0 ? -0 : next())),
    divide: single ? 1 : g.divide,
    sum: single ? 'f32' : 'f64',
  }
}

/** The forest alone as a program of one matrix, `raw_margin`. */
export const programOf = (attrs: TreesAttrs, features: number): Program => ({
  version: 1,
  origin: { library: 'none', libraryVersion: '0', estimator: 'forest' },
  inputs: Array.from({ length: features }, (_, i) => ({ name: `x${i}`, kind: 'number' as const })),
  nodes: [
    {
      op: 'input',
      inputs: [],
      attrs: { kinds: new Uint8Array(features), slots: Int32Array.from({ length: features }, (_, i) => i) },
    },
    { op: 'trees', inputs: [0], attrs },
  ],
  outputs: [{ name: 'raw_margin', parts: [1], shape: 'matrix', dtype: 'float64' }],
  classes: [],
})

/** Rows at and beside thresholds, with the numbers that compare strangely and categories in and out of range. */
export function rowsFor(attrs: TreesAttrs, features: number, rows: number): Frame {
  const next = random(rows + 77)
  const strange = [
    Number.NaN,
    0,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    255,
    256,
    3.7,
    -1,
    -0.5,
    2 ** 31,
    2 ** 31 - 1,
    2 ** 32 + 7,
    1e300,
  ]
  const steps = [
    (x: number) => x,
    nextUp64,
    nextDown64,
    (x: number) => nextUp32(Math.fround(x)),
    (x: number) => nextDown32(Math.fround(x)),
    () => strange[Math.floor(next() * strange.length)]!,
    () => Math.floor(next() * 300),
  ]
  const value = (): number => {
    const threshold = attrs.threshold[Math.floor(next() * attrs.threshold.length)]!
    return steps[Math.floor(next() * steps.length)]!(threshold)
  }
  return { rows, numbers: Float64Array.from({ length: rows * features }, value), cells: [] }
}
