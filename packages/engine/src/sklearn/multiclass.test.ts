import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

/** Two classes 0 and 1; the score is `slope` · x + `intercept`. */
const machine = (slope: number, intercept = 0) =>
  object('sklearn.svm._classes.LinearSVC', {
    n_features_in_: 1,
    classes_: integers([0, 1]),
    coef_: doubles([slope], [1, 1]),
    intercept_: doubles([intercept]),
  })

const logistic = (slope: number, labels: Inert = integers([0, 1])) =>
  object('sklearn.linear_model._logistic.LogisticRegression', {
    n_features_in_: 1,
    classes_: labels,
    coef_: doubles([slope], [1, 1]),
    intercept_: doubles([0]),
  })

const rounded = (values: readonly unknown[]) => values.map((value) => Number((value as number).toFixed(12)))

describe('OneVsRestClassifier', () => {
  const oneVersusRest = (y_type_: string, classes: Inert, ...members: readonly Inert[]) =>
    object('sklearn.multiclass.OneVsRestClassifier', {
      n_features_in_: 1,
      estimators_: [...members],
      label_binarizer_: object('sklearn.preprocessing._label.LabelBinarizer', { classes_: classes, y_type_ }),
    })
  const labels = objects(['a', 'b', 'c'])

  test('the last of equal scores wins', () => {
    const model = oneVersusRest('multiclass', labels, machine(1), machine(1), machine(0))

    expect(ask(model, 'predict', [[2], [-2], [0]])).toEqual(['b', 'c', 'c'])
  })

  test('one member is enough for two classes', () => {
    const model = oneVersusRest('binary', objects(['no', 'yes']), logistic(1))

    expect(ask(model, 'predict', [[2], [-2]])).toEqual(['yes', 'no'])
    expect(rounded(ask(model, 'predict_proba', [[Math.log(3)]]))).toEqual([0.25, 0.75])
  })

  test('several labels per row are flags', () => {
    const model = oneVersusRest('multilabel-indicator', integers([0, 1]), machine(1), machine(-1))

    expect(ask(model, 'predict', [[2], [0]])).toEqual([1, 0, 0, 0])
  })

  test('a class that every training row had is always answered', () => {
    const constant = object('sklearn.multiclass._ConstantPredictor', { y_: integers([1]) })
    const model = oneVersusRest('multilabel-indicator', integers([0, 1]), machine(1), constant)

    expect(ask(model, 'predict', [[-2]])).toEqual([0, 1])
  })

  test('members must be as many as the classes', () => {
    expect(() => lowerModel(oneVersusRest('multiclass', labels, machine(1)))).toThrow(
      'has 1 members for 3 classes',
    )
  })
})

describe('OneVsOneClassifier', () => {
  const oneVersusOne = (attributes: Record<string, Inert>) =>
    object('sklearn.multiclass.OneVsOneClassifier', {
      n_features_in_: 1,
      classes_: objects(['a', 'b', 'c']),
      estimators_: [machine(1), machine(1), machine(1)],
      ...attributes,
    })

  test('the class that wins most duels is answered', () => {
    expect(ask(oneVersusOne({}), 'predict', [[1], [-1]])).toEqual(['c', 'a'])
  })

  test('a precomputed kernel is refused', () => {
    expect(() => lowerModel(oneVersusOne({ pairwise_indices_: [] }))).toThrow('reads a precomputed kernel')
  })
})

describe('chains', () => {
  const ridge = (coef: readonly number[]) =>
    object('sklearn.linear_model._ridge.Ridge', {
      n_features_in_: coef.length,
      coef_: doubles(coef),
      intercept_: 0,
    })

  test('a member reads the answers of those before it, outputs come in their own order', () => {
    const chain = object('sklearn.multioutput.RegressorChain', {
      n_features_in_: 1,
      order_: [1, 0],
      estimators_: [ridge([2]), ridge([0, 10])],
    })

    expect(ask(chain, 'predict', [[3]])).toEqual([60, 6])
  })

  test('an order of other outputs is refused', () => {
    const chain = object('sklearn.multioutput.RegressorChain', {
      n_features_in_: 1,
      order_: [1, 2],
      estimators_: [ridge([2]), ridge([0, 10])],
    })

    expect(() => lowerModel(chain)).toThrow('has an order that does not fit its members')
  })
})

describe('decision thresholds', () => {
  const fixed = (attributes: Record<string, Inert>) =>
    object('sklearn.model_selection._classification_threshold.FixedThresholdClassifier', {
      n_features_in_: 1,
      estimator_: logistic(1, objects(['no', 'yes'])),
      response_method: 'auto',
      threshold: 'auto',
      pos_label: null,
      ...attributes,
    })

  test('the automatic threshold is reached at a probability of one half', () => {
    expect(ask(fixed({}), 'predict', [[0], [-0.1]])).toEqual(['yes', 'no'])
  })

  test('a positive first class is the one that has to reach it', () => {
    const model = fixed({ pos_label: 'no', threshold: 0.75 })

    expect(ask(model, 'predict', [[-2], [0], [2]])).toEqual(['no', 'yes', 'yes'])
  })

  test('of a decision function the positive first class has the negative', () => {
    const model = fixed({ pos_label: 'no', threshold: 1, response_method: 'decision_function' })

    expect(ask(model, 'predict', [[-1], [0]])).toEqual(['no', 'yes'])
  })

  test('a metric that leaves its positive class open is refused', () => {
    const tuned = object('sklearn.model_selection._classification_threshold.TunedThresholdClassifierCV', {
      n_features_in_: 1,
      estimator_: logistic(1, integers([1, 2])),
      best_threshold_: 0.4,
      _curve_scorer: object('sklearn.metrics._scorer._CurveScorer', { _kwargs: new Map() }),
    })

    expect(() => lowerModel(tuned)).toThrow('give the scorer a pos_label')
  })
})
