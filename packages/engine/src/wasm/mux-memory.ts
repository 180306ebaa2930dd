import type { TreesAttrs } from '../ops/trees.ts'
import {
  BIAS,
  BLOCK_ROWS,
  compileAdd,
  compileRank,
  MAX_BLOCKS,
  MAX_ROWS,
  type MuxAdd,
  type MuxNode,
  type MuxRank,
  type MuxTree,
  RANK_BYTES,
} from './mux-kernel.ts'
import { allocate, PAGE_BYTES } from './regions.ts'

/** A rank is a byte. */
const MAX_THRESHOLDS = 255
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

type RegionName = 'bytes' | 'leaves' | 'table' | 'thresholds' | 'raw' | 'values' | 'sums' | 'ranks'

/** Where a column's ranks lie in those of a block, and the numbers it is compared with, ascending. */
type Feature = { readonly ranks: number; readonly thresholds: Float64Array }

/** A tree not yet planted: its first leaf among all, and how many splits it has. */
type Seed = { readonly tree: number; readonly firstLeaf: number; readonly splits: number }

/**
 * Compiles a forest that `trees.infer` has accepted for rows of `width` columns, a piece between two yields.
 * @returns undefined when its trees are too large, or it has other splits than comparisons with few thresholds
 */
export function* compileMux(attrs: TreesAttrs, width: number): Generator<void, MuxMemory | undefined> {
  const seeds = seedsOf(attrs)
  const features = seeds === undefined ? undefined : featuresOf(attrs)
  if (seeds === undefined || features === undefined) return undefined
  const most = Math.max(...Array.from(features.values(), ({ thresholds }) => thresholds.length))
  const steps = Math.ceil(Math.log2(most + 1))
  const rankBytes = features.size * RANK_BYTES
  const leaves = seeds.reduce((sum, { splits }) => sum + splits + 1, 0)
  const outputs = attrs.init.length
  const [regions, bytes] = allocate({
    bytes: 2 ** 8,
    leaves: GROUP_TREES * BLOCK_ROWS,
    table: features.size * 4,
    thresholds: features.size * 2 ** steps * 8,
    raw: BLOCK_ROWS * width * 8,
    values: leaves * 8,
    sums: outputs * MAX_ROWS * 8,
    ranks: MAX_BLOCKS * rankBytes,
  })
  if (bytes > MAX_BYTES) return undefined
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) })
  const { buffer } = memory
  writeTables(buffer, regions, features, steps)
  const { cast, compare } = attrs
  const single = attrs.sum === 'f32'
  const shape = {
    cast,
    compare,
    steps,
    features: features.size,
    single,
    stride: width * 8,
    addresses: regions,
  }
  const rank = compileRank(shape, memory)
  const values = new Float64Array(buffer, regions.values, leaves)
  const plant = (seed: Seed): MuxTree => ({
    root: plantTree(attrs, features, values.subarray(seed.firstLeaf), attrs.roots[seed.tree]!),
    output: attrs.slots[seed.tree]!,
    values: regions.values + seed.firstLeaf * 8,
  })
  const groups = gather(seeds, { items: GROUP_TREES, size: GROUP_SPLITS }, ({ splits }) => splits)
  const adds: MuxAdd[] = []
  for (const piece of gather(groups, { items: Number.POSITIVE_INFINITY, size: PIECE_SPLITS }, splitsOf)) {
    yield
    const planted = piece.map((group) => group.map(plant))
    adds.push(compileAdd(shape, planted, memory))
  }
  return {
    rank,
    adds,
    rankBytes,
    addresses: regions,
    raw: new Float64Array(buffer, regions.raw, BLOCK_ROWS * width),
    sums: new Float64Array(buffer, regions.sums, outputs * MAX_ROWS),
  }
}

function writeTables(
  buffer: ArrayBuffer,
  regions: MuxMemory['addresses'],
  features: ReadonlyMap<number, Feature>,
  steps: number,
): void {
  const length = 2 ** steps
  new Int8Array(buffer, regions.bytes, 2 ** 8).set(Int8Array.from({ length: 2 ** 8 }, (_, i) => i - BIAS))
  new Uint32Array(buffer, regions.table).set(Array.from(features.keys(), (column) => column * 8))
  const searched = new Float64Array(buffer, regions.thresholds, features.size * length).fill(Number.NaN)
  ;[...features.values()].forEach(({ thresholds }, i) => {
    searched.set(thresholds, i * length)
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

/** The columns that are compared; undefined when there are other splits, or too many thresholds. */
function featuresOf({ feature, threshold, categories }: TreesAttrs): Map<number, Feature> | undefined {
  const lists = new Map<number, number[]>()
  for (let node = 0; node < feature.length; node++) {
    if (feature[node]! < 0) continue
    if (categories[node]! >= 0 || Number.isNaN(threshold[node]!)) return undefined
    const list = lists.get(feature[node]!)
    if (list === undefined) lists.set(feature[node]!, [threshold[node]!])
    else list.push(threshold[node]!)
  }
  const features = new Map<number, Feature>()
  for (const [column, list] of lists) {
    const thresholds = Float64Array.from(list)
      .sort()
      .filter((t, i, sorted) => t !== sorted[i - 1])
    if (thresholds.length > MAX_THRESHOLDS) return undefined
    features.set(column, { ranks: features.size * RANK_BYTES, thresholds })
  }
  return features
}

/** The tree at `root` as the kernel's code has it; writes its leaves' values from left to right. */
function plantTree(
  attrs: TreesAttrs,
  features: ReadonlyMap<number, Feature>,
  values: Float64Array,
  root: number,
): MuxNode {
  let leaf = 0
  const plant = (node: number): MuxNode => {
    if (attrs.feature[node]! < 0) {
      values[leaf] = attrs.values[attrs.left[node]!]!
      return { leaf: leaf++ }
    }
    const { ranks, thresholds } = features.get(attrs.feature[node]!)!
    return {
      ranks: ranks + (attrs.missingLeft[node] === 1 ? 0 : BLOCK_ROWS),
      place: placeOf(thresholds, attrs.threshold[node]!) + 1,
      left: plant(attrs.left[node]!),
      right: plant(attrs.right[node]!),
    }
  }
  return plant(root)
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
