import { nextDown32, nextDown64, orderedBits32, orderedBits64 } from '../math/adjacent.ts'
import type { TreesAttrs } from '../ops/trees.ts'
import { distinctRows } from './distinct-rows.ts'
import { instantiateModule } from './encoder.ts'
import { allocateSeats, createMemory, type Regions, regionsAt } from './regions.ts'
import {
  COLUMN_BYTES,
  compileTreeKernel,
  LANES,
  laneBytes,
  NARROW_PAYLOAD,
  NODE_BYTES,
  type NodeForm,
  SET_BYTES,
  TREE_BYTES,
  type TreeKernel,
} from './tree-kernel.ts'
import { type Placed, placeNodes } from './tree-places.ts'

/** Rows whose features lie in memory at a time; with one tree they fit the first-level cache. */
export const CHUNK_ROWS = 64

/** What a node reads: a feature as it is, negated, or as a category. */
type KernelColumn = { readonly feature: number; readonly form: 'plain' | 'negated' | 'category' }

type ConstantName = 'columns' | 'table' | 'values' | 'sets' | 'nodes'
type OwnName = 'raw' | 'x' | 'sums'

/** A forest laid out in memory, and the compiled kernel that walks it: data that threads can be given. */
export type ForestLayout = {
  readonly memory: WebAssembly.Memory
  readonly module: WebAssembly.Module
  readonly form: NodeForm
  readonly features: readonly number[]
  readonly columns: readonly KernelColumn[]
  readonly regions: Regions<ConstantName, OwnName>
  readonly trees: number
  /** Sums of a row. */
  readonly width: number
}

/** A forest as one thread walks it. */
export type TreeMemory = {
  readonly kernel: TreeKernel
  readonly form: NodeForm
  /** Input columns that are read, in the order of their features in `raw`. */
  readonly features: readonly number[]
  readonly columns: readonly KernelColumn[]
  /** [octet][feature][8]: float32 when the form is narrow. */
  readonly raw: Float32Array | Float64Array
  /** [octet][column][8] as words, for categories. */
  readonly xWords: Uint32Array
  /** [row][width] */
  readonly sums: Float64Array
  readonly addresses: Readonly<Record<ConstantName | OwnName, number>>
  readonly columnsEnd: number
  readonly tableEnd: number
  /** `tableEnd` up to the next eight trees; those added change no sum. */
  readonly paddedTableEnd: number
}

/** Bit of a set that missing values look up; categories are 0–255. */
export const MISSING_CATEGORY = 256

/** High word of a bound below all numbers. */
const LOWEST = 0x80000000
/** High word of a feature above every bound. */
export const HIGHEST = 0x7fffffff
const MAX_BYTES = 2 ** 31

const OCTETS = CHUNK_ROWS / LANES
const paddedOf = (trees: number): number => Math.ceil(trees / LANES) * LANES

/**
 * Lays out a forest that `trees.infer` has accepted, for as many threads as there are seats.
 * @returns undefined when there is nothing to walk or it would need more than 2 GiB
 */
export function layOutForest(attrs: TreesAttrs, seats = 1): ForestLayout | undefined {
  if (attrs.roots.length === 0) return undefined
  const placed = placeNodes(attrs)
  const values = distinctRows(attrs.values, attrs.leafWidth)
  const columns = planColumns(attrs)
  const features = [...new Set(columns.list.map(({ feature }) => feature))]
  const featureBits = Math.ceil(Math.log2(columns.list.length * laneBytes('narrow')))
  const form = chooseForm(attrs, placed, { featureBits, values: values.rows.length })
  const width = attrs.init.length
  const trees = attrs.roots.length
  const paddedTrees = paddedOf(trees)
  const constants = {
    columns: columns.list.length * COLUMN_BYTES,
    table: paddedTrees * TREE_BYTES,
    values: (values.rows.length + attrs.leafWidth) * 8,
    sets: form === 'sets' ? (1 + countCategorical(attrs)) * SET_BYTES : 0,
    nodes: (placed.count + 2) * NODE_BYTES[form],
  }
  const own = {
    raw: OCTETS * features.length * laneBytes(form),
    x: OCTETS * columns.list.length * laneBytes(form),
    sums: CHUNK_ROWS * width * 8,
  }
  const [regions, bytes] = allocateSeats(constants, own, seats)
  if (bytes > MAX_BYTES) return undefined
  const memory = createMemory(bytes, seats)
  const { buffer } = memory
  const layout: Layout = {
    ...{ attrs, placed, values, columns, features, form, featureBits, buffer },
    regions: regions.constants,
  }
  writeNodes(layout)
  writeTable(layout, paddedTrees)
  writeColumns(layout)
  const valuesAt = regions.constants.values
  new Float64Array(buffer, valuesAt).set(values.rows)
  new Float64Array(buffer, valuesAt + values.rows.length * 8, attrs.leafWidth).fill(-0)
  const { leafWidth } = attrs
  const shape = { form, featureBits, leafWidth, width, single: attrs.sum === 'f32', early: placed.uneven }
  const module = compileTreeKernel(shape, seats === 1 ? 'own' : 'shared')
  return { memory, module, form, features, columns: columns.list, regions, trees, width }
}

/** The forest for the thread on a seat. */
export function openForest(layout: ForestLayout, seat: number): TreeMemory {
  const { memory, form, features, columns, trees, width } = layout
  const { buffer } = memory
  const addresses = regionsAt(layout.regions, seat)
  const rawValues = CHUNK_ROWS * features.length
  return {
    kernel: instantiateModule(layout.module, memory) as TreeKernel,
    form,
    features,
    columns,
    raw:
      form === 'narrow'
        ? new Float32Array(buffer, addresses.raw, rawValues)
        : new Float64Array(buffer, addresses.raw, rawValues),
    xWords: new Uint32Array(buffer, addresses.x, (OCTETS * columns.length * laneBytes(form)) / 4),
    sums: new Float64Array(buffer, addresses.sums, CHUNK_ROWS * width),
    addresses,
    columnsEnd: addresses.columns + columns.length * COLUMN_BYTES,
    tableEnd: addresses.table + trees * TREE_BYTES,
    paddedTableEnd: addresses.table + paddedOf(trees) * TREE_BYTES,
  }
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

function chooseForm(
  attrs: TreesAttrs,
  { reach }: Placed,
  { featureBits, values }: { featureBits: number; values: number },
): NodeForm {
  if (countCategorical(attrs) > 0) return 'sets'
  const fits = reach * NODE_BYTES.narrow < 2 ** (32 - featureBits)
  const indexed = values + attrs.leafWidth <= NARROW_PAYLOAD
  return attrs.cast === 'f32' && fits && indexed ? 'narrow' : 'wide'
}

type Layout = {
  readonly attrs: TreesAttrs
  readonly placed: Placed
  readonly values: ReturnType<typeof distinctRows>
  readonly columns: Columns
  readonly features: readonly number[]
  readonly form: NodeForm
  readonly featureBits: number
  readonly regions: Readonly<Record<ConstantName, number>>
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
  const { attrs, placed, values, columns, form } = layout
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
      if (attrs.feature[node]! < 0) leaf(place, values.places[left]! * attrs.leafWidth)
      else {
        const delta = (Math.min(places[left]!, places[right]!) - place) * NODE_BYTES[form]
        write({ place, split: node, value: 0, delta, column: columns.ofNode[node]! })
        stack.push(left, right)
      }
    }
  }
  leaf(count, values.rows.length)
}

function narrowWriter({ attrs, featureBits, regions, buffer }: Layout): (node: PlacedNode) => void {
  const words = new Int32Array(buffer)
  return ({ place, split, value, delta, column }) => {
    const word = regions.nodes / 4 + place * 2
    const bound = split === undefined ? undefined : boundOf(attrs, split, floor32, nextDown32)
    words[word] = bound === undefined ? LOWEST | value : orderedBits32(bound)
    words[word + 1] = delta * 2 ** featureBits + column * laneBytes('narrow')
  }
}

function wideWriter({ attrs, form, regions, buffer }: Layout): (node: PlacedNode) => void {
  const words = new Uint32Array(buffer)
  const longs = new BigInt64Array(buffer)
  let sets = 0
  return ({ place, split, value, delta, column }) => {
    const word = (regions.nodes + place * NODE_BYTES[form]) / 4
    const categorical = split !== undefined && attrs.categories[split]! >= 0
    const bound = split === undefined || categorical ? undefined : boundOf(attrs, split, (t) => t, nextDown64)
    if (bound === undefined) words.set([value, LOWEST], word)
    else longs[word / 2] = orderedBits64(bound)
    words.set([delta, column * laneBytes(form)], word + 2)
    if (form !== 'sets') return
    const set = regions.sets + (categorical ? ++sets * SET_BYTES : 0)
    words[word + 4] = set
    if (categorical) writeSet(words, set / 4, attrs, split)
  }
}

/** The node's 256 categories, and where missing values go as one more. */
function writeSet(words: Uint32Array, word: number, attrs: TreesAttrs, node: number): void {
  const set = attrs.categories[node]! * 8
  words.set(attrs.sets.subarray(set, set + 8), word)
  words[word + MISSING_CATEGORY / 32] = attrs.missingLeft[node]!
}

/**
 * The b for which x ≤ b picks the second sibling exactly when the node's own comparison does:
 *   NaN right  x ≤ t or x < t picks left     b = ⌊t⌋ or below it
 *   NaN left   x > t or x ≥ t picks right, as −x < −t or −x ≤ −t
 * Rounding down to the precision of x changes no comparison. Nothing is below −∞ or NaN: undefined.
 */
function boundOf(
  { threshold, missingLeft, compare }: TreesAttrs,
  node: number,
  floor: (t: number) => number,
  nextDown: (x: number) => number,
): number | undefined {
  const negated = missingLeft[node] === 1
  const t = negated ? -threshold[node]! : threshold[node]!
  const strict = (compare === 'lt') !== negated
  const bound = floor(t)
  if (Number.isNaN(t) || (strict && t === Number.NEGATIVE_INFINITY)) return undefined
  return strict && bound === t ? nextDown(bound) : bound
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

function writeColumns({ columns, features, form, regions, buffer }: Layout): void {
  const words = new Uint32Array(buffer, regions.columns, (columns.list.length * COLUMN_BYTES) / 4)
  const sign = form === 'narrow' ? [LOWEST, LOWEST] : [0, LOWEST]
  columns.list.forEach((column, i) => {
    const word = (i * COLUMN_BYTES) / 4
    words[word] = features.indexOf(column.feature) * laneBytes(form)
    if (column.form === 'negated') words.set([...sign, ...sign], word + 4)
  })
}
