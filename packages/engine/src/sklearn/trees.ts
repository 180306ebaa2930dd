import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'
import { trees } from '../ops/trees.ts'
import { type ClassLabels, classLabels } from './class-labels.ts'
import type { Estimator } from './estimator.ts'
import { plantForest } from './forest.ts'
import { type Context, type Family, type Lowered, type LoweredOutput, once } from './lowering.ts'
import {
  acceptsNaN,
  classIndices,
  classProbabilities,
  type FittedTree,
  readTree,
  regressionValues,
} from './tree-state.ts'

/** `check_array` of everything that casts to float32: no infinity, NaN where the estimator takes it. */
export function checkSingle(graph: Graph, x: Ref, nan: boolean): Ref {
  const attrs = { nan: nan ? 'allow' : 'refuse', inf: 'refuse', limit: 'f32' } as const
  return graph.add(check, [graph.toNumbers(x)], attrs)
}

/** −0 + v is v for every v, −0 included: a sum of one term. */
const blank = (width: number): Float64Array => new Float64Array(width).fill(-0)

function addTree(graph: Graph, x: Ref, tree: FittedTree, values: Float64Array): Ref {
  const leafWidth = values.length / tree.feature.length
  const sum = { cast: 'f32', leafWidth, init: blank(leafWidth), divide: 1 } as const
  return graph.add(trees, [x], plantForest([{ nodes: tree, values }], sum, graph.innerValues))
}

/** Classes per output, checked against the values of the tree. */
export function classCounts(estimator: Estimator, tree: FittedTree, { classes }: ClassLabels): number[] {
  const counts = classes.map((labels) => labels.length)
  if (counts.length !== tree.outputs || counts.some((count) => count > tree.width))
    throw estimator.error('corrupt', 'classes_ and tree_ differ in shape')
  return counts
}

/** Columns of `proba` per output: a matrix, or a list of them for several outputs. */
export function probabilities(graph: Graph, proba: Ref, counts: readonly number[]): LoweredOutput {
  let start = 0
  const parts = counts.map((count) => {
    const columns = Array.from({ length: count }, (_, i) => start + i)
    start += count
    return graph.select(proba, columns)
  })
  return { parts, shape: parts.length === 1 ? 'matrix' : 'list', dtype: 'float64' }
}

function lowerClassifier(estimator: Estimator, x: Ref, { graph }: Context): Lowered {
  const labels = classLabels(estimator)
  const tree = readTree(estimator)
  const counts = classCounts(estimator, tree, labels)
  const checked = checkSingle(graph, x, acceptsNaN(estimator, tree))
  return {
    classes: labels.classes,
    methods: {
      predict: once(() => ({
        parts: [addTree(graph, checked, tree, classIndices(tree, counts))],
        shape: counts.length === 1 ? 'vector' : 'matrix',
        dtype: labels.dtype,
        labels: labels.classes,
      })),
      predict_proba: once(() =>
        probabilities(graph, addTree(graph, checked, tree, classProbabilities(tree, counts)), counts),
      ),
    },
  }
}

function lowerRegressor(estimator: Estimator, x: Ref, { graph }: Context): Lowered {
  const tree = readTree(estimator)
  const checked = checkSingle(graph, x, acceptsNaN(estimator, tree))
  return {
    methods: {
      predict: once(() => ({
        parts: [addTree(graph, checked, tree, regressionValues(tree))],
        shape: tree.outputs === 1 ? 'vector' : 'matrix',
        dtype: 'float64',
      })),
    },
  }
}

/** DecisionTree and ExtraTree: one tree over float32 features. */
export const treeFamily: readonly Family[] = [
  {
    names: ['sklearn.tree.DecisionTreeClassifier', 'sklearn.tree.ExtraTreeClassifier'],
    fields: 'tree_ classes_ n_classes_ n_outputs_ max_features_',
    lower: lowerClassifier,
  },
  {
    names: ['sklearn.tree.DecisionTreeRegressor', 'sklearn.tree.ExtraTreeRegressor'],
    fields: 'tree_ n_outputs_ max_features_ n_classes_ classes_',
    lower: lowerRegressor,
  },
]
