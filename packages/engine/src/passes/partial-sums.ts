import { goesLeft, type TreesAttrs } from '../ops/trees.ts'
import { divisorOf, iterationsLeft } from './cut.ts'
import type { Cut, Forest } from './forests.ts'

/** Rows of a forest's inputs, row-major: the features, and where sums start when that is not the same for all rows. */
export type ForestRows = {
  readonly rows: number
  readonly features: Float64Array
  readonly start?: Float64Array | undefined
}

/** Running sums of trees of one depth, and which cuts are taken from them after how many trees. */
type Lane = {
  readonly depth: number
  readonly sums: Float64Array
  readonly taken: ReadonlyMap<number, readonly number[]>
}

/**
 * What every cut of a forest answers, rows × width for each, in one pass: every tree is walked once per row, and its
 * leaf, or the inner node that a shallower tree would end at, is added to the sums as `trees` adds it.
 */
export function sumsOfCuts(forest: Forest, input: ForestRows, cuts: readonly Cut[]): Float64Array[] {
  const { attrs, step } = forest
  const width = attrs.init.length
  const columns = input.features.length / Math.max(1, input.rows)
  const results = cuts.map(() => new Float64Array(input.rows * width))
  const lanes = lanesOf(forest, cuts)
  const take = (lane: Lane, trees: number, row: number): void => {
    for (const cut of lane.taken.get(trees) ?? []) {
      const divisor = divisorOf(forest, cuts[cut]!)
      for (let j = 0; j < width; j++) results[cut]![row * width + j] = lane.sums[j]! / divisor
    }
  }
  for (let row = 0; row < input.rows; row++) {
    const x = input.features.subarray(row * columns, (row + 1) * columns)
    const start = input.start?.subarray(row * width, (row + 1) * width) ?? attrs.init
    for (const { sums } of lanes) sums.set(start)
    for (let tree = 0; tree < attrs.roots.length; tree++) {
      addTree(attrs, tree, x, lanes)
      if ((tree + 1) % step === 0) for (const lane of lanes) take(lane, tree + 1, row)
    }
  }
  return results
}

/** One for each depth that is asked for, the shallowest first. */
function lanesOf(forest: Forest, cuts: readonly Cut[]): Lane[] {
  const depths = [...new Set(cuts.map(({ depth }) => depth ?? Number.POSITIVE_INFINITY))]
  return depths
    .sort((a, b) => a - b)
    .map((depth) => {
      const taken = new Map<number, number[]>()
      cuts.forEach((cut, i) => {
        if ((cut.depth ?? Number.POSITIVE_INFINITY) !== depth) return
        const trees = iterationsLeft(forest, cut) * forest.step
        taken.set(trees, [...(taken.get(trees) ?? []), i])
      })
      return { depth, sums: new Float64Array(forest.attrs.init.length), taken }
    })
}

/** Adds what a row meets in one tree to the sums of every lane. */
function addTree(attrs: TreesAttrs, tree: number, x: Float64Array, lanes: readonly Lane[]): void {
  const { feature, left, right, values, inner } = attrs
  let node = attrs.roots[tree]!
  let lane = 0
  for (let depth = 0; feature[node]! >= 0; depth++) {
    for (; lanes[lane]!.depth <= depth; lane++) addRow(attrs, tree, { from: inner!, row: node }, lanes[lane]!)
    if (lane === lanes.length) return
    const value = x[feature[node]!]!
    node = goesLeft(attrs, node, attrs.cast === 'f32' ? Math.fround(value) : value)
      ? left[node]!
      : right[node]!
  }
  for (; lane < lanes.length; lane++) addRow(attrs, tree, { from: values, row: left[node]! }, lanes[lane]!)
}

type ValueRow = { readonly from: Float64Array; readonly row: number }

function addRow(attrs: TreesAttrs, tree: number, { from, row }: ValueRow, { sums }: Lane): void {
  const { leafWidth } = attrs
  const slot = attrs.slots[tree]!
  for (let j = 0; j < leafWidth; j++) {
    const sum = sums[slot + j]! + from[row * leafWidth + j]!
    sums[slot + j] = attrs.sum === 'f32' ? Math.fround(sum) : sum
  }
}
