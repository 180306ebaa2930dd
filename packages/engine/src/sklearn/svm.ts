import type { Ref } from '../ir/program.ts'
import { duelVotes, pairwiseCoupling, platt, supportDuels } from '../ops/duels.ts'
import { argmax, threshold } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { duelScores } from '../ops/multiclass.ts'
import { type Inert, InertObject } from '../pickle/values.ts'
import { matrixOf } from './affine.ts'
import { classesOf, labelled, matrix, vector } from './answers.ts'
import { detector } from './detector.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { formulaNode, kernelName, kernelNode, type Points, pointsOf } from './kernels.ts'
import { batchDependent, type Context, type Family, type Lower, once } from './lowering.ts'
import { isBefore } from './version.ts'

/** Rows that were sparse in training are written out. */
function supportVectorsOf(estimator: Estimator): Points {
  if (!isSparse(estimator.find('support_vectors_'))) return pointsOf(estimator, 'support_vectors_')
  const { values, rows, columns } = matrixOf(estimator, 'support_vectors_')
  return { values, count: rows, columns }
}

const coefficientsOf = (estimator: Estimator): Float64Array =>
  isSparse(estimator.find('_dual_coef_'))
    ? matrixOf(estimator, '_dual_coef_').values
    : estimator.numbers('_dual_coef_', 'dual_coef_')

const isSparse = (value: Inert | undefined): boolean => value instanceof InertObject

/** Kernel of the checked row with every support vector. */
function supportKernel(estimator: Estimator, x: Ref, context: Context): Ref {
  const points = supportVectorsOf(estimator)
  return kernelNode(
    {
      estimator,
      rows: finiteNumbers(context.graph, x),
      points,
      kernel: {
        name: kernelName(estimator),
        gamma: estimator.number('_gamma', 'gamma'),
        degree: estimator.number('degree'),
        coef0: estimator.number('coef0'),
      },
    },
    context,
  )
}

/** Σ coefficient · kernel + intercept, of machines with one score. */
function score(estimator: Estimator, x: Ref, context: Context): Ref {
  const weights = coefficientsOf(estimator)
  const bias = estimator.numbers('_intercept_', 'intercept_')
  return context.graph.add(linear, [supportKernel(estimator, x, context)], { weights, bias, single: false })
}

const lowerRegressor: Lower = (estimator, x, context) => ({
  methods: { predict: once(() => vector(score(estimator, x, context))) },
})

/** +1 inside (score > 0), −1 outside. */
const lowerOneClass: Lower = (estimator, x, context) => {
  const { graph } = context
  const decision = once(() => score(estimator, x, context))
  const raw = once(() => {
    const weights = coefficientsOf(estimator)
    const machine = { weights, bias: new Float64Array(1), single: false }
    return graph.add(linear, [supportKernel(estimator, x, context)], machine)
  })
  return detector(graph, { decision, score: raw, inclusive: false })
}

/** One duel per pair of classes: the votes decide, or from 3 classes on, with `break_ties`, the scores made of them. */
const lowerClassifier: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const count = classes.labels.length
  const counts = Int32Array.from(estimator.numbers('_n_support', 'n_support_'))
  if (counts.length !== count)
    throw estimator.error('corrupt', `${estimator.name} has support vectors of ${counts.length} classes`)
  const first = once(() =>
    graph.add(supportDuels, [supportKernel(estimator, x, context)], {
      counts,
      coefficients: coefficientsOf(estimator),
      bias: estimator.numbers('_intercept_', 'intercept_'),
    }),
  )
  const second = once(() => formulaNode(graph, first(), 'affine', [-1, 0]))
  // libsvm gives the second class whatever is not above 0 for the first, NaN included
  const won = once(() => {
    const firsts = graph.add(threshold, [first()], { threshold: 0, inclusive: false })
    return formulaNode(graph, firsts, 'affine', [-1, 1])
  })
  const overall = once(() => {
    const above = graph.add(threshold, [second()], { threshold: 0, inclusive: false })
    return graph.add(duelScores, [above, second()], { classes: count })
  })
  const overallScores = count > 2 && estimator.text('decision_function_shape', 'ovr') === 'ovr'
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => {
        if (count === 2) return labelled(won(), classes)
        const scores =
          overallScores && estimator.flag('break_ties', false)
            ? overall()
            : graph.add(duelVotes, [won()], { classes: count })
        return labelled(graph.add(argmax, [scores], {}), classes)
      }),
      decision_function: once(() => {
        if (count === 2) return vector(second())
        if (overallScores && isBefore(estimator, 0, 21)) throw batchDependent(estimator, 'decision_function')
        return matrix(overallScores ? overall() : first())
      }),
      ...(hasProbabilities(estimator) && {
        predict_proba: once(() => {
          const a = estimator.numbers('_probA', 'probA_')
          const b = estimator.numbers('_probB', 'probB_')
          const shares = graph.add(platt, [first()], { a, b })
          return matrix(graph.add(pairwiseCoupling, [shares], { classes: count }))
        }),
      }),
    },
  }
}

const hasProbabilities = (estimator: Estimator): boolean =>
  estimator.array('_probA', 'probA_').length > 0 && estimator.flag('probability', true)

const FIELDS = `support_ support_vectors_ n_support_ dual_coef_ intercept_ _dual_coef_ _intercept_ probA_ probB_
  fit_status_ shape_fit_ n_iter_ class_weight_ classes_ offset_`

const named = (names: string): string[] => names.split(' ').map((name) => `sklearn.svm.${name}`)

export const svmFamily: readonly Family[] = [
  {
    names: named('SVC NuSVC'),
    fields: FIELDS,
    note: 'kernels linear, poly, rbf and sigmoid',
    lower: lowerClassifier,
  },
  {
    names: named('SVR NuSVR'),
    fields: FIELDS,
    note: 'kernels linear, poly, rbf and sigmoid',
    lower: lowerRegressor,
  },
  {
    names: named('OneClassSVM'),
    fields: FIELDS,
    note: 'kernels linear, poly, rbf and sigmoid',
    lower: lowerOneClass,
  },
]
