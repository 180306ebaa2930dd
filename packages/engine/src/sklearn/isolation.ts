import type { Ref } from '../ir/program.ts'
import { log } from '../math/glibc.ts'
import { oneHot } from '../ops/encoding.ts'
import { isolationScore } from '../ops/ensembles.ts'
import { trees } from '../ops/trees.ts'
import { fieldOf, numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { subtract } from './affine.ts'
import { matrix } from './answers.ts'
import { detector } from './detector.ts'
import type { Estimator } from './estimator.ts'
import { type PlantedTree, plantForest } from './forest.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'
import { acceptsNaN, readTree, type TreeNodes } from './tree-state.ts'
import { checkSingle } from './trees.ts'
import { isBefore, isVersion } from './version.ts'

const EULER_GAMMA = 0.5772156649015329

/** Mean depth of an unsuccessful search in a random binary tree of `rows` rows. Before 0.21 small trees were no exception. */
function meanDepth(rows: number, early: boolean): number {
  if (rows <= 1) return early ? 1 : 0
  if (rows === 2 && !early) return 1
  return 2 * (log(rows - 1) + EULER_GAMMA) - (2 * (rows - 1)) / rows
}

/** Per leaf: its depth, and the mean depth that its rows would still need. */
function depthsOf(nodes: TreeNodes, rows: Float64Array, early: boolean): Float64Array {
  const depths = new Float64Array(rows.length)
  const levels = new Float64Array(rows.length)
  nodes.feature.forEach((feature, node) => {
    if (feature < 0) depths[node] = levels[node]! + 1 + meanDepth(rows[node]!, early) - 1
    else for (const child of [nodes.left[node]!, nodes.right[node]!]) levels[child] = levels[node]! + 1
  })
  return depths
}

function rowsPerNode(member: Estimator): Float64Array {
  const tree = member.get('tree_')
  const nodes = tree instanceof InertObject && tree.state instanceof Map ? tree.state.get('nodes') : undefined
  if (nodes instanceof NdArray) return fieldOf(nodes, 'n_node_samples')
  throw member.error('corrupt', 'tree_ has no nodes')
}

function plantIsolated(estimator: Estimator, early: boolean): PlantedTree[] {
  const features = estimator.list('estimators_features_')
  return estimator.list('estimators_').map((value, i) => {
    const member = estimator.child(value, `estimator ${i}`)
    const nodes = readTree(member)
    const columns = features[i]
    if (!(columns instanceof NdArray))
      throw estimator.error('corrupt', 'estimators_features_ and estimators_ differ in length')
    return { nodes, values: depthsOf(nodes, rowsPerNode(member), early), columns: numbersOf(columns) }
  })
}

/** −2^(−Σ depth / (trees · c)), less the offset for the decision; 1 inside, −1 outside. Before 0.22 a threshold of
 * its own could stand in for 0. */
const lowerIsolation: Lower = (estimator, x, context) => {
  const { graph } = context
  const score = once(() => {
    const early = isBefore(estimator, 0, 21)
    const planted = plantIsolated(estimator, early)
    const rows = isVersion(estimator, 1, 6) ? graph.toNumbers(x) : checkSingle(graph, x, false)
    const sum = { cast: 'f32', leafWidth: 1, init: new Float64Array(1), divide: 1 } as const
    const depth = graph.add(trees, [rows], plantForest(planted, sum))
    const expected = planted.length * meanDepth(estimator.number('_max_samples', 'max_samples_'), early)
    return graph.add(isolationScore, [depth], { expected })
  })
  const decision = once(() => subtract(graph, score(), Float64Array.of(estimator.number('offset_'))))
  const limit = estimator.find('behaviour') === 'old' ? estimator.number('_threshold_') : 0
  return detector(graph, { decision, score, limit })
}

/** Every tree's leaf, one-hot encoded. */
const lowerEmbedding: Lower = (estimator, x, context) => ({
  methods: { transform: once(() => matrix(embed(estimator, x, context))) },
})

function embed(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const encoder = estimator.child(estimator.get('one_hot_encoder_'), 'one_hot_encoder_')
  const categories = encoder.list('categories_')
  const members = estimator.list('estimators_').map((value, i) => estimator.child(value, `estimator ${i}`))
  const slots: Int32Array[] = []
  let width = 0
  const planted = members.map((member, i) => {
    const nodes = readTree(member)
    const leaves = categories[i]
    if (!(leaves instanceof NdArray)) throw encoder.error('corrupt', 'categories_ and estimators_ differ')
    const index = new Map(Array.from(numbersOf(leaves), (leaf, k) => [leaf, k]))
    slots.push(Int32Array.from({ length: index.size + 1 }, (_, k) => (k === 0 ? -1 : width + k - 1)))
    width += index.size
    const values = Float64Array.from(nodes.feature, (feature, node) => {
      const known = index.get(node)
      if (feature < 0 && known === undefined)
        throw encoder.error('corrupt', `leaf ${node} of tree ${i} is not among its categories`)
      return known ?? 0
    })
    return { nodes, values, slot: i }
  })
  const first = members[0]
  if (first === undefined) throw estimator.error('unfitted', `${estimator.name} has no estimators`)
  const rows = checkSingle(graph, x, acceptsNaN(first, readTree(first)))
  const sum = { cast: 'f32', leafWidth: 1, init: new Float64Array(planted.length), divide: 1 } as const
  const found = graph.add(trees, [rows], plantForest(planted, sum))
  return graph.add(oneHot, [found], { slots, width, single: false })
}

export const isolationFamily: readonly Family[] = [
  {
    names: ['sklearn.ensemble.IsolationForest'],
    fields: `estimator_ base_estimator_ estimators_ estimators_features_ estimators_samples_ max_samples_ offset_ _threshold_`,
    lower: lowerIsolation,
  },
  {
    names: ['sklearn.ensemble.RandomTreesEmbedding'],
    fields: `estimator_ base_estimator_ estimators_ one_hot_encoder_ n_outputs_ max_samples_`,
    lower: lowerEmbedding,
  },
]
