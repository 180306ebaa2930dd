import type { TreesAttrs } from '../ops/trees.ts'
import { instantiateModule } from './encoder.ts'
import { featuresOf, type MuxFeatures, setKeyOf, writeClasses, writeSets } from './mux-features.ts'
import {
  BIAS,
  BLOCK_ROWS,
  CATEGORIES,
  compileAdd,
  MAX_BLOCKS,
  MAX_ROWS,
  type MuxAdd,
  type MuxNode,
  type MuxTest,
  type MuxTree,
  RANK_BYTES,
} from './mux-kernel.ts'
import { compileRank, type MuxRank } from './mux-rank.ts'
import { allocate, createMemory } from './regions.ts'

/** All paths of a larger tree take longer than the one path of the other kernel. */
const MAX_LEAVES = 128
/** Bounds the code: about 25 bytes a split, and several times as much when it is optimised. */
const MAX_SPLITS = 2 ** 16
const MAX_BYTES = 2 ** 24
/** Trees of a group and, where they are large, splits: its code is meant to stay in the nearest cache. */
const GROUP_TREES = 8
const GROUP_SPLITS = 320
/** Splits that are compiled at a time, in a few milliseconds. */
const PIECE_SPLITS = 1000

/** A forest as code, and what its memory begins with: data that threads can be given. Each has a memory of its own. */
export type MuxLayout = {
  readonly rank: WebAssembly.Module
  /** The trees in order. */
  readonly adds: readonly WebAssembly.Module[]
  readonly constants: ArrayBuffer
  readonly regions: Readonly<Record<RegionName, number>>
  /** Bytes of all regions. */
  readonly bytes: number
  readonly rankBytes: number
  /** Columns of a row, and sums. */
  readonly width: number
  readonly outputs: number
}

/** A forest as code, with the memory it runs in. */
export type MuxMemory = {
  readonly rank: MuxRank
  /** The trees in order. */
  readonly adds: readonly MuxAdd[]
  /** Rows of a block as they come. */
  readonly raw: Float64Array
  /** [output][MAX_ROWS] */
  readonly sums: Float64Array
  /** Bytes of the ranks of a block. */
  readonly rankBytes: number
  readonly addresses: Readonly<Record<RegionName, number>>
}

type RegionName =
  | 'bytes'
  | 'leaves'
  | 'table'
  | 'thresholds'
  | 'classes'
  | 'sets'
  | 'raw'
  | 'values'
  | 'sums'
  | 'ranks'

/** A tree not yet planted: its first leaf among all, and how many splits it has. */
type Seed = { readonly tree: number; readonly firstLeaf: number; readonly splits: number }

/**
 * Compiles a forest that `trees.infer` has accepted for rows of `width` columns, a piece between two yields.
 * @returns undefined when its trees are too large, or compare a column with too many thresholds
 */
export function* compileMux(attrs: TreesAttrs, width: number): Generator<void, MuxLayout | undefined> {
  const seeds = seedsOf(attrs)
  const features = seeds === undefined ? undefined : featuresOf(attrs)
  if (seeds === undefined || features === undefined) return undefined
  const { numeric, categorical } = features
  const most = Math.max(0, ...Array.from(numeric.values(), ({ thresholds }) => thresholds.length))
  const steps = Math.ceil(Math.log2(most + 1))
  const rankBytes = (numeric.size + categorical.size) * RANK_BYTES
  const leaves = seeds.reduce((sum, { splits }) => sum + splits + 1, 0)
  const outputs = attrs.init.length
  const [regions, bytes] = allocate({
    bytes: 2 ** 8,
    table: (numeric.size + categorical.size) * 4,
    thresholds: numeric.size * 2 ** steps * 8,
    classes: categorical.size * 2 * CATEGORIES,
    sets: features.setBytes,
    values: leaves * 8,
    leaves: GROUP_TREES * BLOCK_ROWS,
    raw: BLOCK_ROWS * width * 8,
    sums: outputs * MAX_ROWS * 8,
    ranks: MAX_BLOCKS * rankBytes,
  })
  if (bytes > MAX_BYTES) return undefined
  const buffer = new ArrayBuffer(regions.leaves)
  const write: Writing = { attrs, features, buffer, regions }
  writeTables(write, steps)
  const { cast, compare } = attrs
  const single = attrs.sum === 'f32'
  const shape = {
    cast,
    compare,
    steps,
    numeric: numeric.size,
    categorical: categorical.size,
    single,
    stride: width * 8,
    addresses: regions,
  }
  const rank = compileRank(shape)
  const values = new Float64Array(buffer, regions.values, leaves)
  const plant = (seed: Seed): MuxTree => ({
    root: plantTree(write, values.subarray(seed.firstLeaf), attrs.roots[seed.tree]!),
    output: attrs.slots[seed.tree]!,
    values: regions.values + seed.firstLeaf * 8,
  })
  const groups = gather(seeds, { items: GROUP_TREES, size: GROUP_SPLITS }, ({ splits }) => splits)
  const adds: WebAssembly.Module[] = []
  for (const piece of gather(groups, { items: Number.POSITIVE_INFINITY, size: PIECE_SPLITS }, splitsOf)) {
    yield
    const planted = piece.map((group) => group.map(plant))
    adds.push(compileAdd(shape, planted))
  }
  return { rank, adds, constants: buffer, regions, bytes, rankBytes, width, outputs }
}

/** The forest in a memory of its own. */
export function openMux({ rank, adds, constants, regions, ...layout }: MuxLayout): MuxMemory {
  const memory = createMemory(layout.bytes, 1)
  const { buffer } = memory
  new Uint8Array(buffer).set(new Uint8Array(constants))
  const runOf = (module: WebAssembly.Module): unknown => instantiateModule(module, memory).run
  return {
    rank: runOf(rank) as MuxRank,
    adds: adds.map((add) => runOf(add) as MuxAdd),
    rankBytes: layout.rankBytes,
    addresses: regions,
    raw: new Float64Array(buffer, regions.raw, BLOCK_ROWS * layout.width),
    sums: new Float64Array(buffer, regions.sums, layout.outputs * MAX_ROWS),
  }
}

type Writing = {
  readonly attrs: TreesAttrs
  readonly features: MuxFeatures
  readonly buffer: ArrayBuffer
  readonly regions: MuxMemory['addresses']
}

function writeTables({ attrs, features, buffer, regions }: Writing, steps: number): void {
  const { numeric, categorical } = features
  const length = 2 ** steps
  new Int8Array(buffer, regions.bytes, 2 ** 8).set(Int8Array.from({ length: 2 ** 8 }, (_, i) => i - BIAS))
  const columns = [...numeric.keys(), ...categorical.keys()]
  new Uint32Array(buffer, regions.table).set(columns.map((column) => column * 8))
  const searched = new Float64Array(buffer, regions.thresholds, numeric.size * length).fill(Number.NaN)
  ;[...numeric.values()].forEach(({ thresholds }, i) => {
    searched.set(thresholds, i * length)
  })
  ;[...categorical.values()].forEach((feature, i) => {
    writeClasses(new Uint8Array(buffer, regions.classes + i * 2 * CATEGORIES), feature)
    writeSets(new Uint8Array(buffer, regions.sets), attrs, feature)
  })
}

const splitsOf = (group: readonly Seed[]): number => group.reduce((sum, { splits }) => sum + splits, 0)

/** Neighbours together, as many as fit both limits. */
function gather<T>(
  all: readonly T[],
  limit: { readonly items: number; readonly size: number },
  sizeOf: (item: T) => number,
): T[][] {
  const groups: T[][] = []
  let room = 0
  for (const item of all) {
    room -= sizeOf(item)
    const last = groups.at(-1)
    if (last !== undefined && last.length < limit.items && room >= 0) last.push(item)
    else {
      groups.push([item])
      room = limit.size - sizeOf(item)
    }
  }
  return groups
}

/** The sizes of all trees; undefined when they have vectors or no splits, or one tree or all are too large. */
function seedsOf({ roots, feature, left, right, leafWidth }: TreesAttrs): Seed[] | undefined {
  if (leafWidth !== 1) return undefined
  const seeds: Seed[] = []
  const stack: number[] = []
  let [firstLeaf, sum] = [0, 0]
  for (const [tree, root] of roots.entries()) {
    let splits = 0
    stack.push(root)
    for (let node = stack.pop(); node !== undefined; node = stack.pop())
      if (feature[node]! >= 0) {
        splits++
        stack.push(left[node]!, right[node]!)
      }
    sum += splits
    if (splits >= MAX_LEAVES || sum > MAX_SPLITS) return undefined
    seeds.push({ tree, firstLeaf, splits })
    firstLeaf += splits + 1
  }
  return sum > 0 ? seeds : undefined
}

/** The tree at `root` as the kernel's code has it; writes its leaves' values from left to right. */
function plantTree(write: Writing, values: Float64Array, root: number): MuxNode {
  const { attrs } = write
  let leaf = 0
  const plant = (node: number): MuxNode => {
    if (attrs.feature[node]! < 0) {
      values[leaf] = attrs.values[attrs.left[node]!]!
      return { leaf: leaf++ }
    }
    return {
      test: testOf(write, node),
      left: plant(attrs.left[node]!),
      right: plant(attrs.right[node]!),
    }
  }
  return plant(root)
}

function testOf({ attrs, features, regions }: Writing, node: number): MuxTest {
  const column = attrs.feature[node]!
  if (attrs.categories[node]! >= 0) {
    const { ranks, sets, examples } = features.categorical.get(column)!
    return { ranks, set: regions.sets + sets.get(setKeyOf(attrs, node))!, classes: examples.length }
  }
  const { ranks, thresholds } = features.numeric.get(column)!
  return {
    ranks: ranks + (attrs.missingLeft[node] === 1 ? 0 : BLOCK_ROWS),
    place: placeOf(thresholds, attrs.threshold[node]!) + 1,
  }
}

/** Where `value` is in `sorted`, which has it. */
function placeOf(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
