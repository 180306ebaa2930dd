import { pairwiseSum } from '../math/pairwise-sum.ts'
import { fieldOf, numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { isVersion } from './version.ts'

/** The nodes of one tree, numbered from its root 0. */
export type TreeNodes = {
  /** −1 marks a leaf. */
  readonly feature: Int32Array
  readonly threshold: Float64Array
  readonly left: Int32Array
  readonly right: Int32Array
  readonly missingLeft: Uint8Array
  /** −1 for a comparison, else a bitset of the forest. */
  readonly categories: Int32Array
}

/** A fitted `sklearn.tree._tree.Tree`. */
export type FittedTree = TreeNodes & {
  /** Nodes × outputs × most classes of an output (1 in regression). */
  readonly values: Float64Array
  readonly outputs: number
  readonly width: number
  readonly weights: Float64Array
  /** The file says where missing values go (from 1.3). */
  readonly routesMissing: boolean
}

/** Node fields of all versions. Others could change what a node means. */
const NODE_FIELDS = new Set([
  'left_child',
  'right_child',
  'feature',
  'threshold',
  'impurity',
  'n_node_samples',
  'weighted_n_node_samples',
  'missing_go_to_left',
])

const LEAF = -1

/** The `tree_` of a decision tree. @throws ModelError when it contradicts itself or splits in a way we do not know */
export function readTree(estimator: Estimator): FittedTree {
  const tree = estimator.get('tree_')
  const state = tree instanceof InertObject && tree.state instanceof Map ? tree.state : undefined
  const nodes = state?.get('nodes')
  const values = state?.get('values')
  if (!(nodes instanceof NdArray && values instanceof NdArray && nodes.dtype.fields !== undefined))
    throw estimator.error('corrupt', 'tree_ has no nodes')
  const fields = [...nodes.dtype.fields.keys()]
  const unknown = fields.find((name) => !NODE_FIELDS.has(name))
  if (unknown !== undefined)
    throw estimator.error('unsupported', `its nodes have the field ${unknown}, which we do not know`)
  const [count, outputs, width] = values.shape
  if (nodes.shape[0] !== count || !(outputs! >= 1) || !(width! >= 1) || values.shape.length !== 3)
    throw estimator.error('corrupt', 'nodes and values of tree_ differ in shape')
  const routesMissing = fields.includes('missing_go_to_left')
  const left = fieldOf(nodes, 'left_child')
  return {
    feature: splitColumns(left, fieldOf(nodes, 'feature'), estimator),
    threshold: fieldOf(nodes, 'threshold'),
    left: toInt32(left, estimator),
    right: toInt32(fieldOf(nodes, 'right_child'), estimator),
    missingLeft: routesMissing
      ? Uint8Array.from(fieldOf(nodes, 'missing_go_to_left'))
      : new Uint8Array(left.length),
    categories: new Int32Array(left.length).fill(-1),
    values: numbersOf(values),
    outputs: outputs!,
    width: width!,
    weights: fieldOf(nodes, 'weighted_n_node_samples'),
    routesMissing,
  }
}

/** Column per node, −1 for leaves. */
function splitColumns(left: Float64Array, feature: Float64Array, estimator: Estimator): Int32Array {
  const columns = feature.map((column, node) => (left[node] === LEAF ? LEAF : column))
  if (columns.some((column, node) => column < 0 && left[node] !== LEAF))
    throw estimator.error('corrupt', 'a tree splits on no column')
  return toInt32(columns, estimator)
}

/** Checked: a wrapped index would pass for another one. @throws ModelError corrupt beyond 32 bits */
export function toInt32(values: Float64Array, estimator: Estimator): Int32Array {
  if (values.some((value) => Math.abs(value) >= 2 ** 31))
    throw estimator.error('corrupt', 'a tree holds an index beyond 32 bits')
  return Int32Array.from(values)
}

/**
 * Class probabilities per node, outputs side by side: node × Σ classes.
 * Up to 1.3 `values` are weighted counts, divided by their sum when predicting; from 1.4 they are fractions, taken as
 * they are (dividing by a sum that is nearly 1 would change bits). Which of the two is seen in the values.
 */
export function classProbabilities(tree: FittedTree, classCounts: readonly number[]): Float64Array {
  const counts = holdsCounts(tree, classCounts[0]!)
  const nodes = tree.feature.length
  const total = classCounts.reduce((sum, count) => sum + count, 0)
  const result = new Float64Array(nodes * total)
  for (let node = 0, to = 0; node < nodes; node++)
    for (const [output, classes] of classCounts.entries()) {
      const from = (node * tree.outputs + output) * tree.width
      const sum = counts ? pairwiseSum(tree.values, from, classes) : 1
      for (let c = 0; c < classes; c++) result[to++] = tree.values[from + c]! / (sum === 0 ? 1 : sum)
    }
  return result
}

/** Predictions per node: node × outputs. @throws RangeError when the tree holds classes */
export function regressionValues({ width, values }: FittedTree): Float64Array {
  if (width !== 1) throw new RangeError(`a regression tree with ${width} values per output`)
  return values
}

/** Every node's values sum to its weight, not to 1. */
function holdsCounts(tree: FittedTree, classes: number): boolean {
  const stride = tree.outputs * tree.width
  return tree.weights.every((weight, node) => {
    const sum = pairwiseSum(tree.values, node * stride, classes)
    return Math.abs(sum - weight) <= 1e-6 * weight
  })
}

/** Index of the largest value per node and output, the first of equals. */
export function classIndices(tree: FittedTree, classCounts: readonly number[]): Float64Array {
  return Float64Array.from({ length: tree.feature.length * tree.outputs }, (_, i) => {
    const from = i * tree.width
    let best = 0
    for (let c = 1; c < classCounts[i % tree.outputs]!; c++)
      if (tree.values[from + c]! > tree.values[from + best]!) best = c
    return best
  })
}

const NAN_CRITERIA: ReadonlySet<unknown> = new Set([
  'gini',
  'entropy',
  'log_loss',
  'squared_error',
  'friedman_mse',
  'poisson',
])

/**
 * Whether predicting accepts NaN: exact splits from 1.3, random ones from 1.6, without monotone constraints and by most
 * criteria; from 1.9 all but extremely random trees with exact splits.
 */
export function acceptsNaN(estimator: Estimator, tree: FittedTree): boolean {
  const splitter = estimator.text('splitter', 'best')
  if (isVersion(estimator, 1, 9)) return splitter === 'random' || !estimator.name.includes('ExtraTree')
  return (
    tree.routesMissing &&
    (splitter === 'best' || isVersion(estimator, 1, 6)) &&
    NAN_CRITERIA.has(estimator.find('criterion')) &&
    (estimator.find('monotonic_cst') ?? null) === null
  )
}
