import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbers } from './op.ts'
import { type TreesAttrs, trees, treesOnto } from './trees.ts'

const COLUMNS = 3

/** A tree as people draw it. `members`: the categories that go left. */
type Drawn =
  | { leaf: number }
  | {
      column: number
      at: number
      members: number[] | null
      missing: 'left' | 'right'
      left: Drawn
      right: Drawn
    }

const edge = fc.constantFrom(0, -0, 0.1, Math.fround(0.1), 1e-40, 3.5, 255, 256, -1, 2 ** 31, 1e39)
const feature = fc.oneof(edge, fc.constantFrom(Number.NaN, Infinity, -Infinity), fc.nat(300))
const { drawn } = fc.letrec<{ drawn: Drawn }>((tie) => ({
  drawn: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ leaf: fc.double({ noNaN: true, min: -1e6, max: 1e6 }) }),
    fc.record({
      column: fc.nat(COLUMNS - 1),
      at: fc.oneof(edge, fc.double()),
      members: fc.option(fc.uniqueArray(fc.nat(255), { maxLength: 40 })),
      missing: fc.constantFrom('left' as const, 'right' as const),
      left: tie('drawn'),
      right: tie('drawn'),
    }),
  ),
}))
const forest = fc.array(drawn, { minLength: 1, maxLength: 5 })
const row = fc.tuple(feature, feature, feature)

/** Where the row ends up, read off the drawing. */
function descend(tree: Drawn, x: readonly number[], rules: { single: boolean; strict: boolean }): number {
  if ('leaf' in tree) return tree.leaf
  const value = rules.single ? new Float32Array([x[tree.column]!])[0]! : x[tree.column]!
  const side = sideOf(tree, value, rules.strict)
  return descend(side === 'left' ? tree.left : tree.right, x, rules)
}

function sideOf(tree: Exclude<Drawn, { leaf: number }>, value: number, strict: boolean): 'left' | 'right' {
  if (Number.isNaN(value)) return tree.missing
  if (tree.members === null) return (strict ? value < tree.at : value <= tree.at) ? 'left' : 'right'
  if (value < 0) return tree.missing
  const category = value >= 2 ** 31 ? 0 : Math.floor(value) % 256
  return tree.members.includes(category) ? 'left' : 'right'
}

/** The drawing as columns, children after their parents, trees one after the other. */
function flatten(drawings: readonly Drawn[], attrs: Partial<TreesAttrs> = {}): TreesAttrs {
  const nodes: Drawn[] = []
  const links: [number, number][] = []
  const leaves: number[] = []
  const sets: number[] = []
  const categories: number[] = []
  const roots = drawings.map((drawing) => {
    const root = nodes.push(drawing) - 1
    for (let i = root; i < nodes.length; i++) {
      const node = nodes[i]!
      categories[i] = -1
      if ('leaf' in node) links[i] = [leaves.push(node.leaf) - 1, 0]
      else {
        links[i] = [nodes.push(node.left) - 1, nodes.push(node.right) - 1]
        if (node.members !== null) {
          categories[i] = sets.length / 8
          const set = new Uint32Array(8)
          for (const member of node.members) set[member >> 5]! |= 1 << (member & 31)
          sets.push(...set)
        }
      }
    }
    return root
  })
  return {
    cast: 'f64',
    compare: 'le',
    roots: Int32Array.from(roots),
    feature: Int32Array.from(nodes, (node) => ('leaf' in node ? -1 : node.column)),
    threshold: Float64Array.from(nodes, (node) => ('leaf' in node ? 0 : node.at)),
    left: Int32Array.from(links, ([left]) => left),
    right: Int32Array.from(links, ([, right]) => right),
    missingLeft: Uint8Array.from(nodes, (node) => ('leaf' in node || node.missing === 'right' ? 0 : 1)),
    categories: Int32Array.from(categories),
    sets: Uint32Array.from(sets),
    values: Float64Array.from(leaves),
    leafWidth: 1,
    slots: new Int32Array(drawings.length),
    init: new Float64Array(1),
    divide: 1,
    ...attrs,
  }
}

const SPLIT: Drawn = {
  column: 1,
  at: 0.5,
  members: null,
  missing: 'left',
  left: { leaf: 1 },
  right: { leaf: 2 },
}

describe('trees', () => {
  test('sum, in order, the leaves that a row falls into', () => {
    const rules = fc.record({ single: fc.boolean(), strict: fc.boolean() })
    fc.assert(
      fc.property(forest, row, rules, (drawings, x, { single, strict }) => {
        const attrs = flatten(drawings, { cast: single ? 'f32' : 'f64', compare: strict ? 'lt' : 'le' })
        trees.infer(attrs, [numbers(COLUMNS)])

        let sum = 0
        for (const drawing of drawings) sum += descend(drawing, x, { single, strict })

        expect(trees.ref(attrs, [x])).toEqual([sum])
      }),
      { numRuns: 1000 },
    )
  })

  test('add vector leaves at the slot of their tree, start at init and divide at the end', () => {
    const attrs = flatten([SPLIT, SPLIT], {
      values: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      leafWidth: 2,
      slots: Int32Array.of(0, 1),
      init: Float64Array.of(10, 20, 30),
      divide: 2,
    })

    expect(trees.infer(attrs, [numbers(COLUMNS)])).toEqual(numbers(3))
    expect(trees.ref(attrs, [[0, 0.5, 0]])).toEqual([11 / 2, 27 / 2, 36 / 2])
    expect(trees.ref(attrs, [[0, 0.6, 0]])).toEqual([13 / 2, 31 / 2, 38 / 2])
  })

  test('compare a feature after rounding it to float32 when told so', () => {
    const justAbove = 0.1 + 1e-12
    const drawing: Drawn = { ...SPLIT, at: Math.fround(0.1) }

    expect(trees.ref(flatten([drawing], { cast: 'f64' }), [[0, justAbove, 0]])).toEqual([1])
    expect(trees.ref(flatten([{ ...SPLIT, at: 0.1 }], { cast: 'f64' }), [[0, justAbove, 0]])).toEqual([2])
    expect(trees.ref(flatten([{ ...SPLIT, at: 0.1 }], { cast: 'f32' }), [[0, 0.1, 0]])).toEqual([2])
  })

  test('can start at a row of their own, which is not the same as adding it last', () => {
    const tiny: Drawn = { leaf: 1 }
    const attrs = flatten([tiny, tiny])

    expect(treesOnto.infer(attrs, [numbers(COLUMNS), numbers(1)])).toEqual(numbers(1))
    expect(treesOnto.ref(attrs, [[0, 0, 0], [2 ** 53]])).toEqual([2 ** 53])
    expect(trees.ref(attrs, [[0, 0, 0]])[0]).toBe(2)
  })

  test('of a chain as deep as the file are walked without recursion', () => {
    const depth = 200_000
    const count = depth * 2 + 1
    const isLeaf = (i: number) => i % 2 === 1 || i === count - 1
    const attrs = flatten([], {
      roots: Int32Array.of(0),
      slots: Int32Array.of(0),
      feature: Int32Array.from({ length: count }, (_, i) => (isLeaf(i) ? -1 : 0)),
      threshold: new Float64Array(count),
      left: Int32Array.from({ length: count }, (_, i) => (isLeaf(i) ? 0 : i + 1)),
      right: Int32Array.from({ length: count }, (_, i) => (isLeaf(i) ? 0 : i + 2)),
      missingLeft: new Uint8Array(count),
      categories: new Int32Array(count).fill(-1),
      values: Float64Array.of(7),
    })
    trees.infer(attrs, [numbers(1)])

    expect(trees.ref(attrs, [[1]])).toEqual([7])
  })
})

describe('a forest is refused when', () => {
  const good = flatten([SPLIT, { ...SPLIT, members: [1, 2] }])
  const change = <K extends keyof TreesAttrs>(key: K, index: number, value: number): TreesAttrs => {
    const column = (good[key] as Float64Array).slice()
    column[index] = value
    return { ...good, [key]: column }
  }

  test.each([
    ['a node is its own child', change('left', 0, 0)],
    ['a child leads back to the root', { ...change('left', 0, 3), roots: Int32Array.of(0, 3) }],
    ['two nodes share a child', change('right', 0, 1)],
    ['two trees share a root', { ...good, roots: Int32Array.of(0, 0) }],
    ['a child is not a node', change('right', 0, 6)],
    ['a child is negative', change('left', 0, -1)],
    ['a tree starts outside the nodes', { ...good, roots: Int32Array.of(0, 6) }],
    ['a split reads a column that is not there', change('feature', 0, COLUMNS)],
    ['a split reads a negative column', change('feature', 0, -2)],
    ['a leaf has no row of values', change('left', 1, 4)],
    ['a leaf points before the values', change('left', 1, -1)],
    ['a split names a bitset that is not there', change('categories', 3, 1)],
    ['a bitset is cut short', { ...good, sets: new Uint32Array(7) }],
    ['a tree is added outside the result', { ...good, slots: Int32Array.of(0, 1) }],
    ['a tree is added before the result', { ...good, slots: Int32Array.of(-1, 0) }],
    ['leaves are wider than the result', { ...good, leafWidth: 2 }],
    ['leaves have no width', { ...good, leafWidth: 0 }],
    ['node columns differ in length', { ...good, threshold: new Float64Array(5) }],
    ['trees and slots differ in number', { ...good, slots: new Int32Array(1) }],
  ])('%s', (_, attrs) => {
    expect(() => trees.infer(good, [numbers(COLUMNS)])).not.toThrow()
    expect(() => trees.infer(attrs, [numbers(COLUMNS)])).toThrow(/^trees: /)
  })
})
