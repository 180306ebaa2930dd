import type { Ref } from '../ir/program.ts'
import type { Matrix } from '../math/matrices.ts'
import { numpyFunction } from '../ops/functions.ts'
import { distances } from '../ops/kernels.ts'
import { argmax, average, softmax } from '../ops/links.ts'
import { logNormalise } from '../ops/log-probabilities.ts'
import { linear } from '../ops/matmul.ts'
import { nearest } from '../ops/multiclass.ts'
import { arithmetic } from '../ops/scaling.ts'
import { trees } from '../ops/trees.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import { divide, matrixOf, project } from './affine.ts'
import { classesOf, labelled, matrix, vector } from './answers.ts'
import { secondOverFirst } from './discriminant.ts'
import type { Estimator } from './estimator.ts'
import { plantForest } from './forest.ts'
import { finiteNumbers } from './inputs.ts'
import { formulaNode } from './kernels.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'
import { comparedMetric } from './metrics.ts'

/**
 * 2 x·c − |c|² per centre: the larger, the nearer. k-means leaves out |x|², which no choice depends on.
 */
function nearness({ graph }: Context, rows: Ref, centres: Matrix): Ref {
  const { values, columns } = centres
  const bias = Float64Array.from({ length: centres.rows }, (_, k) =>
    values.subarray(k * columns, (k + 1) * columns).reduce((sum, value) => sum - value * value, 0),
  )
  return project(graph, rows, { ...centres, values: values.map((value) => 2 * value) }, bias)
}

/** Distances to the centres. */
function toCentres(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const points = matrixOf(estimator, 'cluster_centers_').values
  const attrs = { metric: 'squared', points, power: 2 } as const
  const squares = graph.add(distances, [finiteNumbers(graph, x)], attrs)
  return graph.add(numpyFunction, [squares], { name: 'sqrt' })
}

const lowerMeans: Lower = (estimator, x, context) => {
  const { graph } = context
  return {
    methods: {
      predict: once(() => {
        const near = nearness(context, finiteNumbers(graph, x), matrixOf(estimator, 'cluster_centers_'))
        return vector(graph.add(argmax, [near], {}), 'int32')
      }),
      transform: once(() => matrix(toCentres(estimator, x, context))),
    },
  }
}

/** A node of the tree of halved clusters: two children with centres, or the label of a cluster. */
type Halving = { readonly centre: Float64Array; readonly label: number; readonly halves: readonly Halving[] }

function readHalving(estimator: Estimator, value: Inert | undefined, depth = 0): Halving {
  const state = value instanceof InertObject && value.state instanceof Map ? value.state : undefined
  const centre = state?.get('center')
  if (!(centre instanceof NdArray) || depth > 500)
    throw estimator.error('corrupt', `${estimator.name}._bisecting_tree is not a tree of centres`)
  const children = [state?.get('left'), state?.get('right')].filter((child) => child instanceof InertObject)
  const label = state?.get('label')
  return {
    centre: numbersOf(centre),
    label: typeof label === 'number' ? label : 0,
    halves: children.length === 2 ? children.map((child) => readHalving(estimator, child, depth + 1)) : [],
  }
}

/** Walks down the halvings: left where the left centre is not farther. One column per halving, compared with 0. */
function halved(estimator: Estimator, x: Ref, context: Context): Ref {
  const { graph } = context
  const mean = estimator.has('_X_mean') ? estimator.numbers('_X_mean') : undefined
  const rows = finiteNumbers(graph, x)
  const centres: number[] = []
  const nodes = {
    feature: [] as number[],
    left: [] as number[],
    right: [] as number[],
    values: [] as number[],
  }
  const plant = ({ label, halves }: Halving): number => {
    const [left, right] = halves
    const split = left !== undefined && right !== undefined
    const node = nodes.feature.push(split ? centres.length / 2 / graph.width(rows) : -1) - 1
    nodes.values.push(label)
    nodes.left.push(-1)
    nodes.right.push(-1)
    if (!split) return node
    for (const { centre } of [left, right])
      centres.push(...centre.map((value, i) => value + (mean?.[i] ?? 0)))
    nodes.left[node] = plant(left)
    nodes.right[node] = plant(right)
    return node
  }
  plant(readHalving(estimator, estimator.get('_bisecting_tree')))
  const pairs = centres.length / graph.width(rows)
  if (pairs === 0)
    return graph.add(linear, [rows], {
      weights: new Float64Array(graph.width(rows)),
      bias: new Float64Array(1),
      single: false,
    })
  const near = nearness(context, rows, {
    values: Float64Array.from(centres),
    rows: pairs,
    columns: graph.width(rows),
  })
  const side = (offset: number) =>
    graph.select(
      near,
      Array.from({ length: pairs / 2 }, (_, i) => 2 * i + offset),
    )
  const attrs = { weights: Float64Array.of(1, -1), divide: 1 }
  const beyond = graph.add(average, [side(1), side(0)], attrs)
  const count = nodes.feature.length
  const planted = {
    nodes: {
      feature: Int32Array.from(nodes.feature),
      threshold: new Float64Array(count),
      left: Int32Array.from(nodes.left),
      right: Int32Array.from(nodes.right),
      missingLeft: new Uint8Array(count),
      categories: new Int32Array(count).fill(-1),
    },
    values: Float64Array.from(nodes.values),
  }
  const sum = { cast: 'f64', leafWidth: 1, init: new Float64Array(1), divide: 1 } as const
  return graph.add(trees, [beyond], plantForest([planted], sum))
}

const lowerHalving: Lower = (estimator, x, context) => ({
  methods: {
    predict: once(() => vector(halved(estimator, x, context), 'int32')),
    transform: once(() => matrix(toCentres(estimator, x, context))),
  },
})

const lowerShift: Lower = (estimator, x, { graph }) => ({
  methods: {
    predict: once(() => {
      const points = matrixOf(estimator, 'cluster_centers_').values
      return vector(graph.add(nearest, [finiteNumbers(graph, x)], { points }), 'int64')
    }),
  },
})

/** The nearest centroid; from 1.6 scores −|x − centroid|² + 2 ln prior of columns divided by their deviation. */
const lowerNearest: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const { metric, power } = comparedMetric(estimator, estimator.get('metric'))
  const centroids = matrixOf(estimator, 'centroids_')
  if (centroids.rows !== classes.labels.length)
    throw estimator.error('corrupt', `${estimator.name} has ${centroids.rows} centroids`)
  const priors = estimator.has('class_prior_') ? estimator.numbers('class_prior_') : undefined
  const even = 1 / classes.labels.length
  const uniform = priors?.every((prior) => Math.abs(prior - even) <= 1e-8 + 1e-5 * even) ?? true
  const scores = once(() => {
    const deviations = estimator.numbers('within_class_std_dev_').map((value) => (value === 0 ? 1 : value))
    const points = centroids.values.map((value, i) => value / deviations[i % centroids.columns]!)
    const scaled = divide(graph, finiteNumbers(graph, x), deviations)
    const compared = graph.add(distances, [scaled], { metric, points, power })
    const squares = power === 2 ? compared : formulaNode(graph, compared, 'polynomial', [1, 0, 2])
    const bias = priors!.map((prior) => 2 * Math.log(prior))
    const negated = {
      steps: [
        { by: 'multiply', values: bias.map(() => -1) },
        { by: 'add', values: bias },
      ],
      single: false,
    } as const
    return graph.add(arithmetic, [squares], negated)
  })
  const closest = (): Ref => {
    const rows = finiteNumbers(graph, x)
    if (metric === 'squared') return graph.add(nearest, [rows], { points: centroids.values })
    const far = graph.add(distances, [rows], { metric, points: centroids.values, power })
    return graph.add(argmax, [formulaNode(graph, far, 'affine', [-1, 0])], {})
  }
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(uniform ? closest() : graph.add(argmax, [scores()], {}), classes)),
      ...(priors && {
        predict_proba: once(() => matrix(graph.add(softmax, [scores()], {}))),
        predict_log_proba: once(() => matrix(graph.add(logNormalise, [scores()], { centred: true }))),
        decision_function: once(() =>
          classes.labels.length === 2 ? vector(secondOverFirst(scores(), context)) : matrix(scores()),
        ),
      }),
    },
  }
}

const named = (names: string): string[] => names.split(' ').map((name) => `sklearn.cluster.${name}`)

export const centroidFamily: readonly Family[] = [
  {
    names: named('KMeans MiniBatchKMeans'),
    fields: `cluster_centers_ labels_ inertia_ n_iter_ n_steps_ counts_ init_size_ random_state_`,
    lower: lowerMeans,
  },
  {
    names: named('BisectingKMeans'),
    fields: 'cluster_centers_ labels_ inertia_ n_iter_',
    lower: lowerHalving,
  },
  { names: named('MeanShift'), fields: 'cluster_centers_ labels_ n_iter_', lower: lowerShift },
  {
    names: ['sklearn.neighbors.NearestCentroid'],
    fields: 'classes_ centroids_ class_prior_ within_class_std_dev_ deviations_ true_classes_',
    lower: lowerNearest,
  },
]
