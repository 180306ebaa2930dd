import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { binaryProba, expit, normalise, softmax } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { clippedMargin } from '../ops/votes.ts'
import { type Classes, classesOf, decide, labelled, matrix, scoresOf } from './answers.ts'
import { detector } from './detector.ts'
import type { Estimator } from './estimator.ts'
import { linearModelOf, linearNode } from './linear.ts'
import { type Context, type Family, type Lower, type Lowered, once } from './lowering.ts'
import { isVersion } from './version.ts'

/** Probabilities of decision scores (one column for two classes, else one per class). */
type Shares = (graph: Graph, scores: Ref) => Ref

/** expit of every score; several classes are then divided by their sum. A sum of 0 is shared evenly from 1.9 on. */
const logisticShares =
  (estimator: Estimator): Shares =>
  (graph, scores) => {
    const shares = graph.add(expit, [scores], { scale: 1 })
    return graph.width(scores) === 1
      ? graph.add(binaryProba, [shares], {})
      : graph.add(normalise, [shares], { zero: isVersion(estimator, 1, 9) ? 'uniform' : 'divide' })
  }

/** softmax over the classes; a single score d stands for [−d, d]. */
const multinomialShares: Shares = (graph, scores) => {
  const both = { weights: Float64Array.of(-1, 1), bias: new Float64Array(2), single: false }
  return graph.add(softmax, [graph.width(scores) === 1 ? graph.add(linear, [scores], both) : scores], {})
}

/** Margins clipped to 0 … 1; a row without any share is shared evenly. */
const modifiedHuberShares: Shares = (graph, scores) => {
  const shares = graph.add(clippedMargin, [scores], {})
  return graph.width(scores) === 1
    ? graph.add(binaryProba, [shares], {})
    : graph.add(normalise, [shares], { zero: 'uniform' })
}

const lowerLogistic: Lower = (estimator, x, context) => {
  const classes = classesOf(estimator)
  const shares = isOneVersusRest(estimator, classes) ? logisticShares(estimator) : multinomialShares
  return classifier(estimator, x, context, { classes, shares })
}

/** `multi_class` was 'ovr' by default up to 0.21, 'auto' up to 1.4, 'deprecated' (same rule) up to 1.7, then gone. */
function isOneVersusRest(estimator: Estimator, { labels }: Classes): boolean {
  const multiClass = estimator.text('multi_class', 'auto')
  if (multiClass === 'ovr' || multiClass === 'warn') return true
  if (multiClass === 'multinomial') return false
  return labels.length <= 2 || estimator.text('solver') === 'liblinear'
}

const lowerStochastic: Lower = (estimator, x, context) => {
  const shares: Record<string, Shares> = {
    log: logisticShares(estimator),
    log_loss: logisticShares(estimator),
    modified_huber: modifiedHuberShares,
  }
  return classifier(estimator, x, context, {
    classes: classesOf(estimator),
    shares: shares[estimator.text('loss')],
  })
}

const lowerPlain: Lower = (estimator, x, context) =>
  classifier(estimator, x, context, { classes: classesOf(estimator), shares: undefined })

/** Ridge classifiers keep their classes in the binarizer of their targets. */
const lowerRidge: Lower = (estimator, x, context) => {
  const binarizer = estimator.child(estimator.get('_label_binarizer'), '_label_binarizer')
  if (binarizer.text('y_type_', '').startsWith('multilabel'))
    throw estimator.error(
      'unsupported',
      `${estimator.name} with several labels per row is not supported yet`,
      'train one classifier per label',
    )
  return classifier(estimator, x, context, { classes: classesOf(binarizer), shares: undefined })
}

function classifier(
  estimator: Estimator,
  x: Ref,
  context: Context,
  { classes, shares }: { classes: Classes; shares: Shares | undefined },
): Lowered {
  const { graph } = context
  const model = linearModelOf(estimator)
  const columns = model.bias.length === 1 ? 2 : model.bias.length
  if (columns !== classes.labels.length)
    throw estimator.error(
      'corrupt',
      `${estimator.name} scores ${columns} classes and names ${classes.labels.length}`,
    )
  const scores = once(() => linearNode(model, x, context))
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() => labelled(decide(graph, scores()), classes)),
      decision_function: once(() => scoresOf(graph, scores())),
      ...(shares && { predict_proba: once(() => matrix(shares(graph, scores()))) }),
    },
  }
}

/** One-class machine: score = X · coef, decision = score − offset, +1 inside (decision ≥ 0) and −1 outside. */
const lowerOneClass: Lower = (estimator, x, context) => {
  const { graph } = context
  const model = linearModelOf(estimator, 'offset_')
  const raw = once(() => linearNode({ ...model, bias: new Float64Array(1) }, x, context))
  const decision = once(() => linearNode({ ...model, bias: model.bias.map((offset) => -offset) }, x, context))
  return detector(graph, { decision, score: raw, dtype: 'int32' })
}

const STOCHASTIC_FIELDS = `coef_ intercept_ classes_ n_iter_ t_ loss_function_ _loss_function_ standard_coef_
  standard_intercept_ average_coef_ average_intercept_`

export const linearClassifierFamily: readonly Family[] = [
  {
    names: ['sklearn.linear_model.LogisticRegression', 'sklearn.linear_model.LogisticRegressionCV'],
    fields: 'coef_ intercept_ classes_ n_iter_ Cs_ C_ l1_ratio_ l1_ratios_ scores_ coefs_paths_',
    lower: lowerLogistic,
  },
  {
    names: ['sklearn.linear_model.SGDClassifier'],
    fields: STOCHASTIC_FIELDS,
    note: "predict_proba with the losses 'log_loss' and 'modified_huber', as in scikit-learn",
    lower: lowerStochastic,
  },
  {
    names: [
      'sklearn.linear_model.Perceptron',
      'sklearn.linear_model.PassiveAggressiveClassifier',
      'sklearn.svm.LinearSVC',
    ],
    fields: STOCHASTIC_FIELDS,
    lower: lowerPlain,
  },
  {
    names: ['sklearn.linear_model.RidgeClassifier', 'sklearn.linear_model.RidgeClassifierCV'],
    fields: 'coef_ intercept_ classes_ n_iter_ solver_ alpha_ best_score_ cv_values_ cv_results_',
    note: 'one label per row',
    lower: lowerRidge,
  },
  {
    names: ['sklearn.linear_model.SGDOneClassSVM'],
    fields: `${STOCHASTIC_FIELDS} offset_`,
    lower: lowerOneClass,
  },
]
