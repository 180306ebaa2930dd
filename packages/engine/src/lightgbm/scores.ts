import { CategorySets } from '../boosting/category-sets.ts'
import { type Growth, growTree } from '../boosting/grow.ts'
import type { LightgbmModel, LightgbmTree } from '../formats/lightgbm/model.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { nearZero } from '../ops/categories.ts'
import { linearLeaves } from '../ops/linear-leaves.ts'
import { trees } from '../ops/trees.ts'
import { type PlantedTree, plantForest } from '../sklearn/forest.ts'

/** float32(1e-35): numbers this near to zero are zero. */
const ZERO_LIMIT = 1.0000000180025095e-35

const IS_CATEGORICAL = 1
const DEFAULT_LEFT = 2
const MISSING = { none: 0, zero: 1, nan: 2 } as const
const missingOf = (decision: number): number => (decision >> 2) & 3
const zeroIsMissing = (decision: number): boolean =>
  (decision & IS_CATEGORICAL) === 0 && missingOf(decision) === MISSING.zero

/**
 * Scores of the first `count` trees, one per class: leaves added in float64, in tree order. Left when x ≤ threshold, or
 * when the category is in the node's set. What is missing goes the default way: NaN, or zero and NaN, or nothing, when
 * NaN counts as zero.
 */
export function addScores(graph: Graph, x: Ref, model: LightgbmModel, count: number): Ref {
  const chosen = model.trees.slice(0, count)
  const columns = new TreeColumns(model)
  const flushed = graph.add(nearZero, [x], { limit: ZERO_LIMIT, to: 0 })
  const linear = chosen.some((tree) => tree.linear !== undefined)
  let leaves = 0
  const planted = chosen.map((tree, i) => {
    const firstLeaf = linear ? leaves : undefined
    leaves += tree.leaves
    return plant(tree, { columns, slot: linear ? i : i % model.groups, firstLeaf })
  })
  const init = new Float64Array(linear ? chosen.length : model.groups)
  const settled = columns.settle(graph, flushed, planted)
  const attrs = plantForest(settled.planted, {
    cast: 'f64',
    leafWidth: 1,
    init,
    divide: 1,
    sets: settled.sets,
  })
  const sums = graph.add(trees, [settled.x], attrs)
  return linear ? addLinear(graph, [flushed, sums], chosen, model.groups) : sums
}

/** The columns trees read: the model's own, the own ones with zero as missing where a node asks so, and sets. */
class TreeColumns {
  readonly #features: number
  readonly #zeros: boolean
  readonly #categories = new CategorySets()

  constructor({ features, trees: all }: LightgbmModel) {
    this.#features = features
    this.#zeros = all.some(({ decision }) => decision.some(zeroIsMissing))
  }

  plain(feature: number): number {
    if (feature >= 0 && feature < this.#features) return feature
    throw new RangeError(`a tree on ${this.#features} columns reads column ${feature}`)
  }

  zeroMissing(feature: number): number {
    return this.#features + this.plain(feature)
  }

  set(feature: number, words: readonly number[]): number {
    return this.#categories.add(feature, words, false)
  }

  settle(graph: Graph, x: Ref, planted: readonly PlantedTree[]) {
    const own = this.#zeros
      ? graph.concat([x, graph.add(nearZero, [x], { limit: ZERO_LIMIT, to: Number.NaN })])
      : x
    const sides = { member: 0, other: 1, beyond: 1, nan: 1 }
    return this.#categories.settle(graph, own, planted, { least: -1, sides })
  }
}

/** `firstLeaf`: where leaves stand for their numbers instead of their values, the number of the first. */
type Place = { readonly columns: TreeColumns; readonly slot: number; readonly firstLeaf: number | undefined }

/** Nodes are numbers, leaves their complements. */
function plant(tree: LightgbmTree, { columns, slot, firstLeaf }: Place): PlantedTree {
  const look = (node: number): Growth<number> => {
    if (node < 0) return { leaf: [leafOf(tree, ~node, firstLeaf)] }
    const [left, right, decision] = [tree.left[node], tree.right[node], tree.decision[node]]
    if (left === undefined || right === undefined || decision === undefined)
      throw new RangeError(`a tree of ${tree.left.length} nodes points at node ${node}`)
    return { ...splitOf(tree, node, columns), left, right }
  }
  return growTree(tree.leaves === 1 ? ~0 : 0, look, { leafWidth: 1, maxNodes: 2 * tree.leaves, slot })
}

function leafOf(tree: LightgbmTree, leaf: number, firstLeaf: number | undefined): number {
  const value = tree.values[leaf]
  if (value === undefined) throw new RangeError(`a tree of ${tree.leaves} leaves points at leaf ${leaf}`)
  return firstLeaf === undefined ? value : firstLeaf + leaf
}

function splitOf(tree: LightgbmTree, node: number, columns: TreeColumns) {
  const decision = tree.decision[node]!
  const feature = tree.feature[node]!
  const threshold = tree.threshold[node]!
  if ((decision & IS_CATEGORICAL) !== 0)
    return {
      feature: columns.plain(feature),
      threshold: 0.5,
      missingLeft: false,
      categories: columns.set(feature, setOf(tree, threshold)),
    }
  const defaultLeft = (decision & DEFAULT_LEFT) !== 0
  if (zeroIsMissing(decision))
    return { feature: columns.zeroMissing(feature), threshold, missingLeft: defaultLeft }
  const missingLeft = missingOf(decision) === MISSING.nan ? defaultLeft : 0 <= threshold
  return { feature: columns.plain(feature), threshold, missingLeft }
}

function setOf({ setStarts, setWords }: LightgbmTree, index: number): number[] {
  const [start, end] = [setStarts[index], setStarts[index + 1]]
  if (start === undefined || end === undefined || start < 0 || start > end || end > setWords.length)
    throw new RangeError(`a node names the set ${index} of categories, which is not there`)
  return Array.from(setWords.subarray(start, end))
}

/** Leaves of all trees in one list; `x` and the number of the leaf in each tree. */
function addLinear(
  graph: Graph,
  inputs: readonly [Ref, Ref],
  chosen: readonly LightgbmTree[],
  groups: number,
): Ref {
  const gather = (of: (tree: LightgbmTree) => ArrayLike<number>): number[] =>
    chosen.flatMap((tree) => Array.from(of(tree)))
  const starts = [0]
  for (const count of gather(({ linear, leaves }) => linear?.counts ?? new Int32Array(leaves)))
    starts.push(starts.at(-1)! + count)
  return graph.add(linearLeaves, inputs, {
    constants: Float64Array.from(gather(({ linear, values }) => linear?.constants ?? values)),
    values: Float64Array.from(gather(({ values }) => values)),
    starts: Int32Array.from(starts),
    features: Int32Array.from(gather(({ linear }) => linear?.features ?? [])),
    coefficients: Float64Array.from(gather(({ linear }) => linear?.coefficients ?? [])),
    slots: Int32Array.from(chosen, (_, i) => i % groups),
    width: groups,
  })
}
