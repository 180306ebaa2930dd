import type { Cell, Ref } from '../ir/program.ts'
import { someWeight } from '../ops/checks.ts'
import { argmax, average, normalise } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import {
  inverseDistances,
  localOutlierFactor,
  neighbourLabels,
  neighbourMean,
  outlierClass,
} from '../ops/neighbours.ts'
import { scatter } from '../ops/votes.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { matrix, vector } from './answers.ts'
import { type ClassLabels, classLabels } from './class-labels.ts'
import { detector } from './detector.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { pointsOf } from './kernels.ts'
import { type Context, type Family, isAbsent, type Lower, type LoweredOutput, once } from './lowering.ts'
import { nearestNode, withinNode } from './metrics.ts'
import { isBefore } from './version.ts'

/** A list of neighbours, and whether they count by their weight. */
type Neighbourhood = { readonly node: Ref; readonly weighted: boolean }

/** How an estimator looks for neighbours: the nearest few, or all within a radius. */
type Search = (estimator: Estimator, x: Ref, context: Context) => Ref

const nearestFew: Search = (estimator, x, context) => {
  const count = estimator.number(estimator.has('n_neighbors_') ? 'n_neighbors_' : 'n_neighbors')
  return nearestNode(estimator, finiteNumbers(context.graph, x), count, context)
}

const withinRadius: Search = (estimator, x, context) =>
  withinNode(estimator, finiteNumbers(context.graph, x), context)

function neighbourhood(estimator: Estimator, x: Ref, context: Context, search: Search): Neighbourhood {
  const weights = estimator.get('weights')
  if (weights !== 'distance' && weights !== 'uniform' && weights !== null)
    throw estimator.error(
      'unsupported',
      `${estimator.name} weighs its neighbours with a function written in Python`,
      "train it with weights='uniform' or weights='distance'",
    )
  const node = search(estimator, x, context)
  const weighted = weights === 'distance'
  return { node: weighted ? context.graph.add(inverseDistances, [node], {}) : node, weighted }
}

/** Class index of every training row, one list per output. @throws ModelError corrupt when `_y` does not fit */
function trainingLabels(estimator: Estimator, { classes }: ClassLabels): Int32Array[] {
  const y = numbersOf(estimator.array('_y'))
  const { count } = pointsOf(estimator, '_fit_X')
  if (y.length !== count * classes.length)
    throw estimator.error('corrupt', `${estimator.name} was trained on ${count} rows and ${y.length} labels`)
  return classes.map((_, output) =>
    Int32Array.from({ length: count }, (_, row) => y[row * classes.length + output]!),
  )
}

/** Weights of the classes of every output. */
function classWeights(
  estimator: Estimator,
  labels: ClassLabels,
  { graph }: Context,
  found: Neighbourhood,
): Ref[] {
  return trainingLabels(estimator, labels).map((own, output) =>
    graph.add(neighbourLabels, [found.node], {
      labels: own,
      classes: labels.classes[output]!.length,
      weighted: found.weighted,
    }),
  )
}

const isFlat = (estimator: Estimator, outputs: number): boolean =>
  outputs === 1 && !estimator.flag('outputs_2d_', false)

function labelsOf(
  estimator: Estimator,
  winners: Ref,
  labels: readonly (readonly Cell[])[],
  dtype: string,
): LoweredOutput {
  const shape = isFlat(estimator, labels.length) ? 'vector' : 'matrix'
  return { parts: [winners], shape, dtype, labels }
}

const lowerNearest: Lower = (estimator, x, context) => {
  const { graph } = context
  const labels = classLabels(estimator)
  const weights = once(() => {
    const found = neighbourhood(estimator, x, context, nearestFew)
    const nodes = classWeights(estimator, labels, context, found)
    // from 1.4 a row whose neighbours all have the weight 0 is refused
    return found.weighted && !isBefore(estimator, 1, 4)
      ? nodes.map((node) => graph.add(someWeight, [node], {}))
      : nodes
  })
  return {
    classes: labels.classes,
    methods: {
      predict: once(() => {
        const winners = graph.concat(weights().map((node) => graph.add(argmax, [node], {})))
        return labelsOf(estimator, winners, labels.classes, labels.dtype)
      }),
      predict_proba: once(() => ({
        parts: weights().map((node) => graph.add(normalise, [node], { zero: 'keep' })),
        shape: isFlat(estimator, labels.classes.length) ? 'matrix' : 'list',
        dtype: 'float64',
      })),
    },
  }
}

/** Rows without neighbours are answered with `outlier_label_`, or refused where there is none. */
const lowerRadius: Lower = (estimator, x, context) => {
  const { graph } = context
  const labels = classLabels(estimator)
  const outliers = outlierLabels(estimator, labels)
  const weights = once(() => {
    const found = neighbourhood(estimator, x, context, withinRadius)
    return classWeights(estimator, labels, context, found).map((node) =>
      graph.add(outlierClass, [node], { refuse: outliers === undefined }),
    )
  })
  return {
    classes: labels.classes,
    methods: {
      predict: once(() => {
        const winners = graph.concat(weights().map((node) => graph.add(argmax, [node], {})))
        const answers = labels.classes.map((own, output) => [...own, outliers?.[output] ?? null])
        return labelsOf(estimator, winners, answers, labels.dtype)
      }),
      predict_proba: once(() => ({
        parts: weights().map((node, output) => {
          const own = labels.classes[output]!
          const known = own.map((_, k) => k)
          const shares = graph.add(normalise, [graph.select(node, known)], { zero: 'keep' })
          const outlier = own.indexOf(outliers?.[output] ?? null)
          if (outlier < 0) return shares
          const extra = graph.add(scatter, [graph.select(node, [own.length])], {
            targets: Int32Array.of(outlier),
            width: own.length,
          })
          const weights = Float64Array.of(1, 1)
          return graph.add(average, [shares, extra], { weights, divide: 1 })
        }),
        shape: isFlat(estimator, labels.classes.length) ? 'matrix' : 'list',
        dtype: 'float64',
      })),
    },
  }
}

/** The label of rows without neighbours, per output; undefined when they are refused. */
function outlierLabels(estimator: Estimator, { classes }: ClassLabels): Cell[] | undefined {
  if (isAbsent(estimator.find('outlier_label_'))) return undefined
  const labels = estimator.cells('outlier_label_')
  if (labels.length === classes.length) return labels.every((label) => label !== null) ? labels : undefined
  throw estimator.error('corrupt', `${estimator.name} has outlier labels that do not fit its outputs`)
}

const regressor =
  (search: Search): Lower =>
  (estimator, x, context) => {
    const { graph } = context
    const y = estimator.array('_y')
    const { count } = pointsOf(estimator, '_fit_X')
    const outputs = y.shape.length === 1 ? 1 : (y.shape[1] ?? 0)
    if (y.length !== count * outputs)
      throw estimator.error(
        'corrupt',
        `${estimator.name} was trained on ${count} rows and ${y.length} targets`,
      )
    return {
      methods: {
        predict: once(() => {
          const { node, weighted } = neighbourhood(estimator, x, context, search)
          const mean = graph.add(neighbourMean, [node], { values: numbersOf(y), outputs, weighted })
          return y.shape.length === 1 ? vector(mean) : matrix(mean)
        }),
      },
    }
  }

const lowerOutlierFactor: Lower = (estimator, x, context) => {
  if (!estimator.flag('novelty', false))
    throw estimator.error(
      'unsupported',
      `${estimator.name} was fitted to judge its own training rows`,
      'train it with novelty=True',
    )
  const { graph } = context
  const score = once(() => {
    const nearest = estimator.array('_distances_fit_X_')
    const [rows = 0, columns = 1] = nearest.shape
    const distances = numbersOf(nearest)
    const count = estimator.number('n_neighbors_')
    const reach = Float64Array.from({ length: rows }, (_, row) => distances[row * columns + count - 1]!)
    const density = estimator.numbers('_lrd')
    return graph.add(localOutlierFactor, [nearestFew(estimator, x, context)], { reach, density })
  })
  const decision = once(() =>
    graph.add(linear, [score()], {
      weights: Float64Array.of(1),
      bias: Float64Array.of(-estimator.number('offset_')),
      single: false,
    }),
  )
  return detector(graph, { decision, score })
}

const FIELDS = `effective_metric_ effective_metric_params_ n_samples_fit_ outputs_2d_ classes_ outlier_label_
  n_neighbors_ negative_outlier_factor_ offset_ _distances_fit_X_ _indices_fit_X_ _neighbors_indices_fit_X_`
const METRICS_NOTE =
  'metrics euclidean, manhattan, chebyshev, minkowski and cosine; of equally far neighbours the first in training order counts'

const named = (names: string): string[] => names.split(' ').map((name) => `sklearn.neighbors.${name}`)

export const neighbourFamily: readonly Family[] = [
  { names: named('KNeighborsClassifier'), fields: FIELDS, note: METRICS_NOTE, lower: lowerNearest },
  { names: named('RadiusNeighborsClassifier'), fields: FIELDS, note: METRICS_NOTE, lower: lowerRadius },
  {
    names: named('KNeighborsRegressor'),
    fields: FIELDS,
    note: METRICS_NOTE,
    lower: regressor(nearestFew),
  },
  {
    names: named('RadiusNeighborsRegressor'),
    fields: FIELDS,
    note: METRICS_NOTE,
    lower: regressor(withinRadius),
  },
  {
    names: named('LocalOutlierFactor'),
    fields: FIELDS,
    note: 'trained with novelty=True',
    lower: lowerOutlierFactor,
  },
]
