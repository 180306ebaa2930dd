import type { Cell, Ref } from '../ir/program.ts'
import { argmax, average, binaryProba, expit, log, normalise, softmax } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { capAtOne, scatter } from '../ops/votes.ts'
import { cellsOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { type Classes, classesOf, labelled, matrix } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { isotonicNode } from './isotonic.ts'
import { formulaNode } from './kernels.ts'
import { type Context, type Family, type Lower, type Lowered, once } from './lowering.ts'

/**
 * Mean over the folds of their calibrated probabilities. A fold is a classifier and one calibrator per class (one alone
 * for two classes) over its decision function, or over its probabilities where it has none.
 */
const lowerCalibrated: Lower = (estimator, x, context) => {
  const { graph } = context
  const classes = classesOf(estimator)
  const folds = estimator.list('calibrated_classifiers_')
  const proba = once(() => {
    const shares = folds.map((fold, i) =>
      calibratedShares(estimator.child(fold, `calibrated_classifiers_[${i}]`), classes, x, context),
    )
    return graph.add(average, shares, { weights: new Float64Array(0), divide: shares.length })
  })
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(graph.add(argmax, [proba()], {}), classes)),
      predict_proba: once(() => matrix(proba())),
    },
  }
}

function calibratedShares(fold: Estimator, { labels }: Classes, x: Ref, context: Context): Ref {
  const { graph } = context
  const classifier = fold.child(fold.get('estimator', 'base_estimator'), 'estimator')
  const lowered = context.lower(classifier, x)
  const calibrators = fold.list('calibrators', 'calibrators_')
  const [only] = calibrators
  if (only instanceof InertObject && only.cls.name === '_TemperatureScaling')
    return withTemperature(
      fold.child(only, 'calibrators[0]'),
      logitsOf(classifier, lowered, context),
      context,
    )
  const scores = scoresToCalibrate(classifier, lowered, context)
  if (calibrators.length !== graph.width(scores))
    throw fold.error(
      'unsupported',
      `a fold has ${calibrators.length} calibrators for ${graph.width(scores)} scores`,
      'every fold must see every class in training',
    )
  const calibrated = calibrators.map((calibrator, i) =>
    calibrate(fold.child(calibrator, `calibrators[${i}]`), graph.select(scores, [i]), context),
  )
  if (labels.length === 2) return graph.add(capAtOne, [graph.add(binaryProba, calibrated, {})], {})
  const targets = targetsOf(fold, lowered, labels)
  const shares = graph.add(scatter, [graph.concat(calibrated)], { targets, width: labels.length })
  return graph.add(capAtOne, [graph.add(normalise, [shares], { zero: 'uniform' })], {})
}

/** One column for two classes (the score, or the probability, of the second), else one per class. */
function scoresToCalibrate(classifier: Estimator, { methods }: Lowered, { graph }: Context): Ref {
  const [scores] = methods.decision_function?.().parts ?? []
  if (scores !== undefined) return scores
  const [proba, ...others] = methods.predict_proba?.().parts ?? []
  if (proba === undefined || others.length > 0)
    throw classifier.error('unsupported', `${classifier.name} has no scores that could be calibrated`)
  return graph.width(proba) === 2 ? graph.select(proba, [1]) : proba
}

/** softmax of all logits times the inverse temperature. */
const withTemperature = (calibrator: Estimator, logits: Ref, { graph }: Context): Ref =>
  graph.add(
    capAtOne,
    [graph.add(softmax, [formulaNode(graph, logits, 'affine', [calibrator.number('beta_'), 0])], {})],
    {},
  )

/** What keeps the logarithm of a probability of 0 finite. */
const LEAST_SHARE = 1e-12

/** Decision scores, a single one on both sides of 0; logarithms of probabilities where there are none. */
function logitsOf(classifier: Estimator, lowered: Lowered, context: Context): Ref {
  const { graph } = context
  const scores = scoresToCalibrate(classifier, lowered, context)
  if (lowered.methods.decision_function !== undefined) {
    const both = { weights: Float64Array.of(-1, 1), bias: new Float64Array(2), single: false }
    return graph.width(scores) === 1 ? graph.add(linear, [scores], both) : scores
  }
  const shares = graph.width(scores) === 1 ? graph.add(binaryProba, [scores], {}) : scores
  return graph.add(log, [formulaNode(graph, shares, 'affine', [1, LEAST_SHARE])], {})
}

/** Column among all classes of each class that the fold knows. */
function targetsOf(fold: Estimator, lowered: Lowered, labels: readonly Cell[]): Int32Array {
  const known = lowered.classes?.[0] ?? labels
  const own = fold.find('classes')
  const all = own instanceof NdArray ? cellsOf(own) : labels
  return Int32Array.from(known, (label) => all.indexOf(label))
}

/** Sigmoid: expit(−(a · t + b)). Isotonic: interpolation between its thresholds. */
function calibrate(calibrator: Estimator, score: Ref, context: Context): Ref {
  const kind = calibrator.name.split('.').at(-1)
  if (kind === '_SigmoidCalibration') {
    const line = Float64Array.of(calibrator.number('a_'))
    const bias = Float64Array.of(calibrator.number('b_'))
    const exponent = context.graph.add(linear, [score], { weights: line, bias, single: false })
    return context.graph.add(expit, [exponent], { scale: -1 })
  }
  if (kind === 'IsotonicRegression') return isotonicNode(calibrator, score, context)
  throw calibrator.error(
    'unsupported',
    `calibration by ${calibrator.qualified} is not supported yet`,
    "use method 'sigmoid', 'isotonic' or 'temperature'",
  )
}

export const calibrationFamily: readonly Family[] = [
  {
    names: ['sklearn.calibration.CalibratedClassifierCV'],
    fields: 'calibrated_classifiers_ classes_',
    note: "methods 'sigmoid', 'isotonic' and 'temperature'; every fold must know every class",
    lower: lowerCalibrated,
  },
]
