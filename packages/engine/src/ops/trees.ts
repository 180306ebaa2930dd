import { treesBlock } from '../exec/trees.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

/** Words of a category bitset: 256 categories. */
export const SET_WORDS = 8

export type TreesAttrs = {
  /** `f32`: features are rounded to float32 before they are compared, as in libraries that store them so. */
  readonly cast: 'f32' | 'f64'
  /** `init` was computed with a function whose last place depends on the library's machine. */
  readonly rounded?: boolean
  /** Go left when x ≤ t (`le`) or x < t (`lt`). */
  readonly compare: 'le' | 'lt'
  /** First node of each tree, in the order the trees are added. */
  readonly roots: Int32Array
  /** Per node: column compared; −1 marks a leaf. */
  readonly feature: Int32Array
  readonly threshold: Float64Array
  /** Per node: node index of the left child; for a leaf its row in `values`. */
  readonly left: Int32Array
  readonly right: Int32Array
  /** Per node: 1 when NaN goes left. */
  readonly missingLeft: Uint8Array
  /** Per node: −1 for a comparison, else the bitset in `sets` whose members go left. */
  readonly categories: Int32Array
  /** Bitsets of 8 words; bit c of a set is category c. */
  readonly sets: Uint32Array
  /** Leaf rows × leafWidth. */
  readonly values: Float64Array
  /**
   * Per node × leafWidth: what a leaf in its place would hold, where the library says so. Read by passes that cut trees,
   * not when predicting, and so only in programs that are lowered for them.
   */
  readonly inner?: Float64Array
  /** Trees that only mean something together, where `slots` does not show it. As `inner`, for passes that cut. */
  readonly perIteration?: number
  readonly leafWidth: number
  /** Per tree: result column where its leaf row is added. */
  readonly slots: Int32Array
  /** What the sums start at; its length is the width of the result. */
  readonly init: Float64Array
  /** The sums are divided by this at the end. */
  readonly divide: number
  /** `f32`: every addition is rounded to float32, as in libraries that add so. float64 unless told. */
  readonly sum?: 'f32' | 'f64'
}

/**
 * Σ over trees, in tree order and in float64 unless told, of the leaf a row falls into:
 *   result[slot_t + j] = (init[slot_t + j] + leaf_1[j] + leaf_2[j] + …) / divide
 * A categorical node treats NaN and negative values as missing and looks the others up by their low byte, as
 * scikit-learn's cast to an unsigned byte does; categories the model never saw are put on their side when lowering.
 */
export const trees = defineOp<TreesAttrs>({
  name: 'trees',
  infer(attrs, [x]) {
    assertTypes(attrs)
    assertLengths(attrs)
    assertNodes(attrs, expectNumbers('trees', x).width)
    assertForest(attrs)
    return numbers(attrs.init.length, attrs.sum === 'f32' ? 'f32' : 'f64')
  },
  ref(attrs, [x]) {
    return sumOfLeaves(attrs, x as readonly number[], Array.from(attrs.init))
  },
  block: treesBlock,
})

/** The same, where the sums start at a row of their own: [features, start]. `init` gives the width. */
export const treesOnto = defineOp<TreesAttrs>({
  name: 'trees-onto',
  infer(attrs, [x, start]) {
    const type = trees.infer(attrs, [x!])
    expectNumbers('trees-onto', start, type.width)
    return type
  },
  ref(attrs, [x, start]) {
    return sumOfLeaves(attrs, x as readonly number[], [...(start as readonly number[])])
  },
  block: treesBlock,
})

/** Adds each tree's leaf to `sums`. */
function sumOfLeaves(attrs: TreesAttrs, x: readonly number[], sums: number[]): number[] {
  const round = attrs.sum === 'f32' ? Math.fround : (sum: number) => sum
  attrs.roots.forEach((root, tree) => {
    const leaf = leafOf(attrs, root, x)
    for (let j = 0; j < attrs.leafWidth; j++) {
      const slot = attrs.slots[tree]! + j
      sums[slot] = round(sums[slot]! + attrs.values[leaf * attrs.leafWidth + j]!)
    }
  })
  return sums.map((sum) => sum / attrs.divide)
}

/** Row in `values` of the leaf that `x` falls into. */
function leafOf(attrs: TreesAttrs, root: number, x: readonly number[]): number {
  let node = root
  while (attrs.feature[node]! >= 0) {
    const value = x[attrs.feature[node]!]!
    node = goesLeft(attrs, node, attrs.cast === 'f32' ? Math.fround(value) : value)
      ? attrs.left[node]!
      : attrs.right[node]!
  }
  return attrs.left[node]!
}

export function goesLeft(attrs: TreesAttrs, node: number, value: number): boolean {
  if (Number.isNaN(value)) return attrs.missingLeft[node] === 1
  const set = attrs.categories[node]!
  if (set < 0)
    return attrs.compare === 'le' ? value <= attrs.threshold[node]! : value < attrs.threshold[node]!
  if (value < 0) return attrs.missingLeft[node] === 1
  const category = byteOf(value)
  return ((attrs.sets[set * SET_WORDS + (category >> 5)]! >>> (category & 31)) & 1) === 1
}

/** A float64 cast to an unsigned byte through a 32-bit integer, which is 0 in its low byte beyond the 32-bit range. */
const byteOf = (value: number): number => (value < 2 ** 31 ? value & 255 : 0)

const INDICES = ['roots', 'feature', 'left', 'right', 'categories', 'slots'] as const
const FLOATS = ['threshold', 'values', 'init'] as const

/** Stored programs are read with whatever types they claim; only whole numbers can be indices. */
function assertTypes(attrs: TreesAttrs): void {
  const indices = INDICES.every((name) => attrs[name] instanceof Int32Array)
  const floats = FLOATS.every((name) => attrs[name] instanceof Float64Array)
  const bytes = attrs.missingLeft instanceof Uint8Array && attrs.sets instanceof Uint32Array
  const inner = attrs.inner === undefined || attrs.inner instanceof Float64Array
  if (!(indices && floats && bytes && inner && Number.isInteger(attrs.leafWidth)))
    throw new RangeError('trees: attributes of the wrong type')
}

function assertLengths(attrs: TreesAttrs): void {
  if (attrs.sum === 'f32' && (attrs.divide !== 1 || !isSingle(attrs.init) || !isSingle(attrs.values)))
    throw new RangeError('trees: float32 sums of numbers that are not float32')
  const { feature, threshold, left, right, missingLeft, categories } = attrs
  for (const column of [threshold, left, right, missingLeft, categories])
    if (column.length !== feature.length) throw new RangeError('trees: node columns differ in length')
  if (attrs.roots.length !== attrs.slots.length)
    throw new RangeError('trees: roots and slots differ in length')
  if (attrs.sets.length % SET_WORDS !== 0) throw new RangeError('trees: a bitset is cut short')
  if (!(attrs.leafWidth >= 1 && attrs.values.length % attrs.leafWidth === 0))
    throw new RangeError('trees: leaf rows and leafWidth do not fit')
  if (attrs.inner !== undefined && attrs.inner.length !== feature.length * attrs.leafWidth)
    throw new RangeError('trees: nodes and their own values differ in length')
  const { perIteration = 1 } = attrs
  if (!(perIteration >= 1 && attrs.roots.length % perIteration === 0))
    throw new RangeError(`trees: ${attrs.roots.length} trees in iterations of ${perIteration}`)
  for (const slot of attrs.slots)
    if (slot < 0 || slot + attrs.leafWidth > attrs.init.length)
      throw new RangeError(`trees: slot ${slot} is outside the result`)
}

function assertNodes(attrs: TreesAttrs, width: number): void {
  const { feature, left, right, categories } = attrs
  const count = feature.length
  const leaves = attrs.values.length / attrs.leafWidth
  const sets = attrs.sets.length / SET_WORDS
  for (let node = 0; node < count; node++) {
    const isLeaf = feature[node] === -1
    if (!isLeaf && !isIndex(feature[node]!, width))
      throw new RangeError(`trees: node ${node} reads column ${feature[node]} of ${width}`)
    if (!isIndex(left[node]!, isLeaf ? leaves : count))
      throw new RangeError(`trees: node ${node} points at ${isLeaf ? 'leaf' : 'node'} ${left[node]}`)
    if (!isLeaf && !isIndex(right[node]!, count))
      throw new RangeError(`trees: node ${node} points at node ${right[node]}`)
    if (categories[node] !== -1 && !isIndex(categories[node]!, sets))
      throw new RangeError(`trees: node ${node} names bitset ${categories[node]}`)
  }
}

const isSingle = (values: Float64Array): boolean =>
  values.every((value) => Object.is(Math.fround(value), value))

const isIndex = (value: number, length: number): boolean => value >= 0 && value < length

/** Every node is reached at most once from all roots: walks end, and no walk is longer than the file. */
function assertForest({ roots, feature, left, right }: TreesAttrs): void {
  const seen = new Uint8Array(feature.length)
  const stack: number[] = []
  for (const root of roots) {
    if (!isIndex(root, feature.length)) throw new RangeError(`trees: a tree starts at node ${root}`)
    stack.push(root)
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seen[node] === 1) throw new RangeError(`trees: node ${node} has two parents`)
      seen[node] = 1
      if (feature[node]! >= 0) stack.push(left[node]!, right[node]!)
    }
  }
}
