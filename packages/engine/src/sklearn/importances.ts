import { fieldOf, numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'

/**
 * How much each column matters to a fitted estimator, as SelectFromModel asks: |coef_| (its norm over the classes), or
 * the impurity decrease of trees. @throws ModelError for estimators that have neither
 */
export function importancesOf(estimator: Estimator, order: number): number[] {
  const coefficients = estimator.find('coef_')
  if (coefficients instanceof NdArray) return normsOf(coefficients, order)
  if (estimator.has('tree_')) return normalised(treeImportances(estimator, true))
  const trees = treesOf(estimator)
  if (trees.length === 0)
    throw estimator.error('unsupported', `${estimator.name} has no coefficients or importances we can read`)
  const boosted = estimator.name.includes('GradientBoosting')
  const each = trees
    .map((tree) => treeImportances(tree, !boosted))
    .filter((importances) => importances.length > 0)
  const means = (each[0] ?? []).map(
    (_, column) => each.reduce((sum, importances) => sum + importances[column]!, 0) / each.length,
  )
  return normalised(means)
}

function normsOf(coefficients: NdArray, order: number): number[] {
  const values = numbersOf(coefficients)
  if (coefficients.shape.length < 2) return Array.from(values, Math.abs)
  const [rows, width] = coefficients.shape
  return Array.from({ length: width! }, (_, column) => {
    const entries = Array.from({ length: rows! }, (_, row) => Math.abs(values[row * width! + column]!))
    if (order === 1) return entries.reduce((a, b) => a + b, 0)
    if (order === 2) return Math.sqrt(entries.reduce((sum, v) => sum + v * v, 0))
    return order === Number.POSITIVE_INFINITY
      ? Math.max(...entries)
      : entries.reduce((sum, v) => sum + v ** order, 0) ** (1 / order)
  })
}

function treesOf(estimator: Estimator): Estimator[] {
  if (!estimator.has('estimators_')) return []
  const flat = estimator.list('estimators_').flat()
  return flat.flatMap((value) =>
    value instanceof InertObject ? [estimator.child(value)].filter((tree) => tree.has('tree_')) : [],
  )
}

/** Weighted impurity decrease per column; empty for a tree without splits. */
function treeImportances(estimator: Estimator, normalise: boolean): number[] {
  const tree = estimator.get('tree_')
  const nodes = tree instanceof InertObject && tree.state instanceof Map ? tree.state.get('nodes') : undefined
  if (!(nodes instanceof NdArray)) throw estimator.error('corrupt', 'tree_ has no nodes')
  const [left, right, feature] = ['left_child', 'right_child', 'feature'].map((name) => fieldOf(nodes, name))
  const impurity = fieldOf(nodes, 'impurity')
  const weight = fieldOf(nodes, 'weighted_n_node_samples')
  const importances = new Array<number>(estimator.number('n_features_in_', 'n_features_')).fill(0)
  if (impurity.length <= 1) return []
  const amount = (node: number): number => weight[node]! * impurity[node]!
  for (let node = 0; node < impurity.length; node++)
    if (left![node] !== -1)
      importances[feature![node]!]! += amount(node) - amount(left![node]!) - amount(right![node]!)
  const relative = importances.map((value) => value / weight[0]!)
  return normalise ? normalised(relative) : relative
}

function normalised(values: readonly number[]): number[] {
  const sum = values.reduce((a, b) => a + b, 0)
  return sum > 0 ? values.map((value) => value / sum) : [...values]
}
