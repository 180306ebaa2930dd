import { nextDown32, nextDown64 } from '../math/neighbours.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import {
  instantiateTreeKernel,
  LANES,
  NARROW_PAYLOAD,
  NODE_BYTES,
  type NodeForm,
  SET_BYTES,
  TREE_BYTES,
  type TreeKernel,
} from './tree-kernel.ts'

/** Rows whose features lie in memory at a time; with one tree they fit the first-level cache. */
export const CHUNK_ROWS = 64

/** What a node reads: a feature as it is, negated, or as a category. */
export type KernelColumn = { readonly feature: number; readonly form: 'plain' | 'negated' | 'category' }

/** A forest laid out in a memory of its own, with the kernel that walks it. */
export type TreeMemory = {
  readonly kernel: TreeKernel
  readonly form: NodeForm
  readonly columns: readonly KernelColumn[]
  /** [octet][column][8]: float32 when the form is narrow. */
  readonly x: Float32Array | Float64Array
  /** The same as words, for categories. */
  readonly xWords: Uint32Array
  /** [row][width] */
  readonly sums: Float64Array
  readonly addresses: {
    readonly x: number
    readonly sums: number
    readonly values: number
    readonly table: number
  }
  readonly tableEnd: number
  /** `tableEnd` up to the next eight trees; those added change no sum. */
  readonly paddedTableEnd: number
}

/** Bit of a set that missing values look up; categories are 0–255. */
export const MISSING_CATEGORY = 256

/** Trees deeper than this much times their mean leaf are walked until all chains arrive. */
const UNEVEN = 1.3
const QUIET_NAN = 0x7ff80000
const QUIET_NAN_SINGLE = 0x7fc00000
const PAGE_BYTES = 2 ** 16
const MAX_BYTES = 2 ** 31

/**
 * Lays out a forest that `trees.infer` has accepted.
 * @returns undefined when there is nothing to walk or it would need more than 2 GiB
 */
export function layOutForest(attrs: TreesAttrs): TreeMemory | undefined {
  if (attrs.roots.length === 0) return undefined
  const placed = placeNodes(attrs)
  const columns = planColumns(attrs)
  const featureBytes = columns.list.length * LANES * 4
  const featureBits = Math.ceil(Math.log2(Math.max(featureBytes, 2)))
  const form = chooseForm(attrs, placed, featureBits)
  const xBytes = form === 'narrow' ? 4 : 8
  const width = attrs.init.length
  const trees = attrs.roots.length
  const paddedTrees = Math.ceil(trees / LANES) * LANES

  const [regions, bytes] = allocate({
    x: CHUNK_ROWS * columns.list.length * xBytes,
    sums: CHUNK_ROWS * width * 8,
    table: paddedTrees * TREE_BYTES,
    values: (attrs.values.length + attrs.leafWidth) * 8,
    sets: form === 'sets' ? (1 + countCategorical(attrs)) * SET_BYTES : 0,
    nodes: (placed.count + 2) * NODE_BYTES[form],
  })
  if (bytes > MAX_BYTES) return undefined
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) })
  const shape = { form, featureBits, leafWidth: attrs.leafWidth, width, early: placed.uneven }
  const layout: Layout = { attrs, placed, columns, form, featureBits, regions, buffer: memory.buffer }
  writeNodes(layout)
  writeTable(layout, paddedTrees)
  new Float64Array(memory.buffer, regions.values).set(attrs.values)
  new Float64Array(memory.buffer, regions.values + attrs.values.length * 8, attrs.leafWidth).fill(-0)
  const xValues = CHUNK_ROWS * columns.list.length
  return {
    kernel: instantiateTreeKernel(shape, memory),
    form,
    columns: columns.list,
    x:
      form === 'narrow'
        ? new Float32Array(memory.buffer, regions.x, xValues)
        : new Float64Array(memory.buffer, regions.x, xValues),
    xWords: new Uint32Array(memory.buffer, regions.x, (xValues * xBytes) / 4),
    sums: new Float64Array(memory.buffer, regions.sums, CHUNK_ROWS * width),
    addresses: regions,
    tableEnd: regions.table + trees * TREE_BYTES,
    paddedTableEnd: regions.table + paddedTrees * TREE_BYTES,
  }
}

type Placed = {
  /** Per node, its place among the nodes in memory. */
  readonly places: Int32Array
  readonly depths: Int32Array
  readonly count: number
  /** Largest distance from a node to its children. */
  readonly reach: number
  readonly uneven: boolean
}

/** Breadth first, siblings side by side and on an even place, so that they share a cache line. */
function placeNodes(attrs: TreesAttrs): Placed {
  const { roots, feature, left, right, missingLeft, categories } = attrs
  const places = new Int32Array(feature.length)
  const levels = new Int32Array(feature.length)
  const depths = new Int32Array(roots.length)
  const queue: number[] = []
  let count = 0
  let reach = 0
  let leaves = 0
  let leafLevels = 0
  roots.forEach((root, tree) => {
    places[root] = count + 1
    count += 2
    queue.length = 0
    queue.push(root)
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i]!
      const level = levels[node]!
      if (feature[node]! < 0) {
        leaves++
        leafLevels += level
        depths[tree] = Math.max(depths[tree]!, level)
        continue
      }
      const [l, r] = [left[node]!, right[node]!]
      reach = Math.max(reach, count - places[node]!)
      // First the sibling that NaN goes to, because NaN compares false.
      const flipped = categories[node]! < 0 && missingLeft[node] === 1
      places[r] = count + (flipped ? 1 : 0)
      places[l] = count + (flipped ? 0 : 1)
      levels[l] = levels[r] = level + 1
      count += 2
      queue.push(r, l)
    }
  })
  const deepest = depths.reduce((a, b) => Math.max(a, b), 0)
  return { places, depths, count, reach, uneven: deepest > (UNEVEN * leafLevels) / leaves }
}

type Columns = { readonly list: KernelColumn[]; readonly ofNode: Int32Array }

/** The columns that nodes read, in order of appearance, and which of them each node reads. */
function planColumns(attrs: TreesAttrs): Columns {
  const list: KernelColumn[] = []
  const known = new Map<string, number>()
  const ofNode = new Int32Array(attrs.feature.length)
  attrs.feature.forEach((feature, node) => {
    if (feature < 0) return
    const form =
      attrs.categories[node]! >= 0 ? 'category' : attrs.missingLeft[node] === 1 ? 'negated' : 'plain'
    const key = `${form}${feature}`
    const column = known.get(key) ?? list.push({ feature, form }) - 1
    known.set(key, column)
    ofNode[node] = column
  })
  if (list.length === 0) list.push({ feature: 0, form: 'plain' })
  return { list, ofNode }
}

const countCategorical = ({ categories }: TreesAttrs): number =>
  categories.reduce((count, set) => count + (set >= 0 ? 1 : 0), 0)

function chooseForm(attrs: TreesAttrs, { reach }: Placed, featureBits: number): NodeForm {
  if (countCategorical(attrs) > 0) return 'sets'
  const fits = reach * NODE_BYTES.narrow < 2 ** (32 - featureBits)
  const indexed = attrs.values.length + attrs.leafWidth <= NARROW_PAYLOAD
  return attrs.cast === 'f32' && fits && indexed ? 'narrow' : 'wide'
}

/** Byte offsets of regions one after the other, each on a cache line, and the bytes of all. */
function allocate<K extends string>(sizes: Record<K, number>): [Record<K, number>, number] {
  let end = 0
  const starts = Object.entries<number>(sizes).map(([name, bytes]) => {
    const start = end
    end += Math.ceil(bytes / 64) * 64
    return [name, start]
  })
  return [Object.fromEntries(starts) as Record<K, number>, end]
}

type Layout = {
  readonly attrs: TreesAttrs
  readonly placed: Placed
  readonly columns: Columns
  readonly form: NodeForm
  readonly featureBits: number
  readonly regions: Record<'x' | 'sums' | 'table' | 'values' | 'sets' | 'nodes', number>
  readonly buffer: ArrayBuffer
}

/** A node where it goes: `split` is its index in the attributes, undefined for a leaf, whose first value is `value`. */
type PlacedNode = {
  readonly place: number
  readonly split: number | undefined
  readonly value: number
  readonly delta: number
  readonly column: number
}

function writeNodes(layout: Layout): void {
  const { attrs, placed, columns, form } = layout
  const { places, count } = placed
  const write = form === 'narrow' ? narrowWriter(layout) : wideWriter(layout)
  const leaf = (place: number, value: number): void =>
    write({ place, split: undefined, value, delta: 0, column: 0 })
  const stack: number[] = []
  for (const root of attrs.roots) {
    stack.push(root)
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const place = places[node]!
      const [left, right] = [attrs.left[node]!, attrs.right[node]!]
      if (attrs.feature[node]! < 0) leaf(place, left * attrs.leafWidth)
      else {
        const delta = (Math.min(places[left]!, places[right]!) - place) * NODE_BYTES[form]
        write({ place, split: node, value: 0, delta, column: columns.ofNode[node]! })
        stack.push(left, right)
      }
    }
  }
  leaf(count, attrs.values.length)
}

function narrowWriter({ attrs, featureBits, regions, buffer }: Layout): (node: PlacedNode) => void {
  const u32 = new Uint32Array(buffer)
  const f32 = new Float32Array(buffer)
  return ({ place, split, value, delta, column }) => {
    const word = regions.nodes / 4 + place * 2
    if (split === undefined) u32[word] = QUIET_NAN_SINGLE | value
    else f32[word] = boundOf(attrs, split, floor32, nextDown32)
    u32[word + 1] = delta * 2 ** featureBits + column * LANES * 4
  }
}

function wideWriter({ attrs, form, regions, buffer }: Layout): (node: PlacedNode) => void {
  const u32 = new Uint32Array(buffer)
  const f64 = new Float64Array(buffer)
  let sets = 0
  return ({ place, split, value, delta, column }) => {
    const word = (regions.nodes + place * NODE_BYTES[form]) / 4
    const categorical = split !== undefined && attrs.categories[split]! >= 0
    if (split === undefined || categorical) u32.set([value, QUIET_NAN], word)
    else f64[word / 2] = boundOf(attrs, split, (t) => t, nextDown64)
    u32.set([delta, column * LANES * 8], word + 2)
    if (form !== 'sets') return
    const set = regions.sets + (categorical ? ++sets * SET_BYTES : 0)
    u32[word + 4] = set
    if (categorical) writeSet(u32, set / 4, attrs, split)
  }
}

/** The node's 256 categories, and where missing values go as one more. */
function writeSet(u32: Uint32Array, word: number, attrs: TreesAttrs, node: number): void {
  const set = attrs.categories[node]! * 8
  u32.set(attrs.sets.subarray(set, set + 8), word)
  u32[word + MISSING_CATEGORY / 32] = attrs.missingLeft[node]!
}

/**
 * The b for which x ≤ b picks the second sibling exactly when the node's own comparison does:
 *   NaN right  x ≤ t or x < t picks left     b = ⌊t⌋ or below it
 *   NaN left   x > t or x ≥ t picks right, as −x < −t or −x ≤ −t
 * Rounding down to the precision of x changes no comparison. Nothing is below −∞: NaN, to which nothing compares.
 */
function boundOf(
  { threshold, missingLeft, compare }: TreesAttrs,
  node: number,
  floor: (t: number) => number,
  nextDown: (x: number) => number,
): number {
  const negated = missingLeft[node] === 1
  const t = negated ? -threshold[node]! : threshold[node]!
  const strict = (compare === 'lt') !== negated
  const bound = floor(t)
  if (!strict || bound < t) return bound
  return bound === Number.NEGATIVE_INFINITY ? Number.NaN : nextDown(bound)
}

/** Largest float32 that is not above t. */
function floor32(t: number): number {
  const single = Math.fround(t)
  return single > t ? nextDown32(single) : single
}

function writeTable({ attrs, placed, form, regions, buffer }: Layout, paddedTrees: number): void {
  const table = new Uint32Array(buffer, regions.table, (paddedTrees * TREE_BYTES) / 4)
  const address = (place: number): number => regions.nodes + place * NODE_BYTES[form]
  for (let tree = 0; tree < paddedTrees; tree++) {
    const root = attrs.roots[tree]
    const place = root === undefined ? placed.count : placed.places[root]!
    const slot = root === undefined ? 0 : attrs.slots[tree]!
    table.set([address(place), Math.max(1, placed.depths[tree] ?? 0), slot * 8], tree * 4)
    const first = tree - (tree % LANES)
    table[first * 4 + 3] = Math.max(table[first * 4 + 3]!, table[tree * 4 + 1]!)
  }
}
