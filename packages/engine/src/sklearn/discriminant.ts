import type { Ref } from '../ir/program.ts'
import type { Matrix } from '../math/matrices.ts'
import { squareSums } from '../ops/densities.ts'
import { argmax, binaryProba, expit, normalise, softmax } from '../ops/links.ts'
import { logNormalise } from '../ops/log-probabilities.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { matrixOf, subtract, timesMatrix } from './affine.ts'
import { classesOf, decide, labelled, matrix, scoresOf, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { linearModelOf, linearNode } from './linear.ts'
import { logarithmsOf } from './log-probabilities.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'
import { isBefore } from './version.ts'

/** The least normal float64 stands for a probability of 0 (from 0.24). */
const LEAST_NORMAL = 2 ** -1022

/** Scores X · coefᵀ + intercept; probabilities by softmax, of two classes by expit. The solver lsqr does not transform. */
const lowerLinear: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const model = linearModelOf(estimator)
  const scores = once(() => linearNode(model, x, context))
  const proba = once(() => matrix(linearShares(estimator, scores(), context)))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(decide(graph, scores()), classes)),
      decision_function: once(() => scoresOf(graph, scores())),
      predict_proba: proba,
      ...(!isBefore(estimator, 0, 24) && {
        predict_log_proba: once(() => logarithmsOf(graph, proba(), LEAST_NORMAL)),
      }),
      ...(estimator.text('solver') !== 'lsqr' && {
        transform: once(() => matrix(discriminants(estimator, x, context))),
      }),
    },
  }
}

/** Several classes share by softmax; before 0.21 each had its expit, divided by their sum. */
function linearShares(estimator: Estimator, scores: Ref, { graph }: Context): Ref {
  const several = graph.width(scores) > 1
  if (several && !isBefore(estimator, 0, 21)) return graph.add(softmax, [scores], {})
  const shares = graph.add(expit, [scores], { scale: 1 })
  return several ? graph.add(normalise, [shares], { zero: 'divide' }) : graph.add(binaryProba, [shares], {})
}

/** (x − xbar) · scalings, of the solver eigen x · scalings; the first few columns. */
function discriminants(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const rows = finiteNumbers(graph, x)
  const centred = estimator.has('xbar_') ? subtract(graph, rows, estimator.numbers('xbar_')) : rows
  const scores = timesMatrix(graph, centred, matrixOf(estimator, 'scalings_'))
  const count = Math.min(estimator.number('_max_components'), graph.width(scores))
  return graph.select(
    scores,
    Array.from({ length: count }, (_, i) => i),
  )
}

/** −½ (|(x − mean) · rotation / √scaling|² + Σ ln scaling) + ln prior, one column per class. */
function quadraticScores(estimator: Estimator, x: Ref, classes: number, { graph }: Context): Ref {
  const rows = finiteNumbers(graph, x)
  const means = matrixOf(estimator, 'means_')
  const priors = estimator.numbers('priors_')
  const scalings = arraysOf(estimator, 'scalings_')
  const rotations = arraysOf(estimator, 'rotations_')
  if ([means.rows, priors.length, scalings.length, rotations.length].some((count) => count !== classes))
    throw estimator.error('corrupt', `${estimator.name} has parameters that do not fit ${classes} classes`)
  const scores = rotations.map((rotation, k) => {
    const scaling = numbersOf(scalings[k]!)
    const columns = scaling.length
    const whitening: Matrix = {
      values: numbersOf(rotation).map((value, i) => value * scaling[i % columns]! ** -0.5),
      rows: means.columns,
      columns,
    }
    const own = means.values.subarray(k * means.columns, (k + 1) * means.columns)
    const whitened = timesMatrix(graph, subtract(graph, rows, own), whitening)
    const length = graph.add(squareSums, [whitened], { size: columns })
    const spread = scaling.reduce((sum, value) => sum + Math.log(value), 0)
    return timesMatrix(
      graph,
      length,
      { values: Float64Array.of(-0.5), rows: 1, columns: 1 },
      Float64Array.of(Math.log(priors[k]!) - 0.5 * spread),
    )
  })
  return graph.concat(scores)
}

function arraysOf(estimator: Estimator, key: string): NdArray[] {
  const arrays = estimator.list(key)
  if (arrays.every((array) => array instanceof NdArray)) return arrays
  throw estimator.error('corrupt', `${estimator.name}.${key} is not a list of arrays`)
}

const lowerQuadratic: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const scores = once(() => quadraticScores(estimator, x, classes.labels.length, context))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(graph.add(argmax, [scores()], {}), classes)),
      decision_function: once(() =>
        classes.labels.length === 2 ? vector(secondOverFirst(scores(), context)) : matrix(scores()),
      ),
      predict_proba: once(() => matrix(graph.add(softmax, [scores()], {}))),
      ...(!isBefore(estimator, 1, 7) && {
        predict_log_proba: once(() => matrix(graph.add(logNormalise, [scores()], { centred: true }))),
      }),
    },
  }
}

/** How much more the second of two classes scores than the first. */
export const secondOverFirst = (scores: Ref, { graph }: Context): Ref =>
  timesMatrix(graph, scores, { values: Float64Array.of(-1, 1), rows: 2, columns: 1 })

export const discriminantFamily: readonly Family[] = [
  {
    names: ['sklearn.discriminant_analysis.LinearDiscriminantAnalysis'],
    fields: `classes_ coef_ intercept_ covariance_ explained_variance_ratio_ means_ priors_ scalings_ xbar_`,
    lower: lowerLinear,
  },
  {
    names: ['sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis'],
    fields: 'classes_ covariance_ means_ priors_ rotations_ scalings_',
    lower: lowerQuadratic,
  },
]
