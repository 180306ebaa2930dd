import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { argmax } from '../ops/links.ts'
import { trees } from '../ops/trees.ts'
import { classLabels } from './class-labels.ts'
import type { Estimator } from './estimator.ts'
import { plantForest } from './forest.ts'
import { type Context, type Family, type Lowered, once } from './lowering.ts'
import { acceptsNaN, classProbabilities, type FittedTree, readTree, regressionValues } from './tree-state.ts'
import { checkSingle, classCounts, probabilities } from './trees.ts'

type Member = { readonly estimator: Estimator; readonly tree: FittedTree }

/** The trees of a forest in order. @throws ModelError when they differ in shape */
function readMembers(forest: Estimator): Member[] {
  const members = forest.list('estimators_').map((value, i) => {
    const estimator = forest.child(value, `tree ${i}`)
    return { estimator, tree: readTree(estimator) }
  })
  const first = members[0]?.tree
  if (first === undefined) throw forest.error('unfitted', `${forest.name} has no trees`)
  if (members.some(({ tree }) => tree.outputs !== first.outputs || tree.width !== first.width))
    throw forest.error('corrupt', 'its trees differ in shape')
  return members
}

/** Forests take NaN when their trees do, from 1.4 (the version that gave them `monotonic_cst`). */
function checkForest(graph: Graph, x: Ref, forest: Estimator, [first]: readonly Member[]): Ref {
  return checkSingle(graph, x, forest.has('monotonic_cst') && acceptsNaN(first!.estimator, first!.tree))
}

/** Mean over trees: Σ in tree order, then divided by their number. */
function addMean(
  graph: Graph,
  x: Ref,
  members: readonly Member[],
  valuesOf: (tree: FittedTree) => Float64Array,
): Ref {
  const planted = members.map(({ tree }) => ({ nodes: tree, values: valuesOf(tree) }))
  const leafWidth = planted[0]!.values.length / planted[0]!.nodes.feature.length
  const init = new Float64Array(leafWidth)
  const sum = { cast: 'f32', leafWidth, init, divide: members.length } as const
  return graph.add(trees, [x], plantForest(planted, sum, graph.innerValues))
}

function lowerClassifier(forest: Estimator, x: Ref, { graph }: Context): Lowered {
  const labels = classLabels(forest)
  const members = readMembers(forest)
  const counts = classCounts(forest, members[0]!.tree, labels)
  const checked = checkForest(graph, x, forest, members)
  const proba = once(() =>
    probabilities(
      graph,
      addMean(graph, checked, members, (tree) => classProbabilities(tree, counts)),
      counts,
    ),
  )
  return {
    classes: labels.classes,
    methods: {
      predict: once(() => ({
        parts: [graph.concat(proba().parts.map((part) => graph.add(argmax, [part], {})))],
        shape: counts.length === 1 ? 'vector' : 'matrix',
        dtype: labels.dtype,
        labels: labels.classes,
      })),
      predict_proba: proba,
    },
  }
}

function lowerRegressor(forest: Estimator, x: Ref, { graph }: Context): Lowered {
  const members = readMembers(forest)
  const checked = checkForest(graph, x, forest, members)
  return {
    methods: {
      predict: once(() => ({
        parts: [addMean(graph, checked, members, regressionValues)],
        shape: members[0]!.tree.outputs === 1 ? 'vector' : 'matrix',
        dtype: 'float64',
      })),
    },
  }
}

const FIELDS = `estimators_ estimator_ base_estimator_ n_outputs_ classes_ n_classes_ _n_samples _n_samples_bootstrap
  oob_score_ oob_decision_function_ oob_prediction_`

/** RandomForest and ExtraTrees: the mean over trees. */
export const forestFamily: readonly Family[] = [
  {
    names: ['sklearn.ensemble.RandomForestClassifier', 'sklearn.ensemble.ExtraTreesClassifier'],
    fields: FIELDS,
    lower: lowerClassifier,
  },
  {
    names: ['sklearn.ensemble.RandomForestRegressor', 'sklearn.ensemble.ExtraTreesRegressor'],
    fields: FIELDS,
    lower: lowerRegressor,
  },
]
