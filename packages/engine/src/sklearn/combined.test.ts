import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object, objects, singles } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

/** Two classes named by `labels`; the score is `slope` · x. */
const linear = (slope: number, labels: Inert = integers([0, 1])) =>
  object('sklearn.svm._classes.LinearSVC', {
    n_features_in_: 1,
    classes_: labels,
    coef_: doubles([slope], [1, 1]),
    intercept_: doubles([0]),
  })

const always = (value: number) =>
  object('sklearn.dummy.DummyRegressor', { constant_: doubles([value], [1, 1]), n_outputs_: 1 })

describe('VotingClassifier', () => {
  const voting = (attributes: Record<string, Inert>) =>
    object('sklearn.ensemble._voting.VotingClassifier', {
      n_features_in_: 1,
      voting: 'hard',
      weights: null,
      classes_: objects(['no', 'yes']),
      ...attributes,
    })

  test('weights of dropped members count for nobody', () => {
    const model = voting({
      estimators: [
        ['a', linear(1)],
        ['gone', 'drop'],
        ['b', linear(-1)],
      ],
      estimators_: [linear(1), linear(-1)],
      weights: [1, 9, 2],
    })

    expect(ask(model, 'predict', [[5], [-5]])).toEqual(['no', 'yes'])
    expect(ask(model, 'transform', [[5]])).toEqual([1, 0])
  })

  test('a member that answers other classes is refused', () => {
    const model = voting({ estimators: [], estimators_: [linear(1, integers([0, 7]))] })

    expect(() => lowerModel(model)).toThrow('does not answer the classes of the vote')
  })

  test('a soft vote needs probabilities', () => {
    const model = voting({ estimators: [], estimators_: [linear(1)], voting: 'soft' })

    expect(() => lowerModel(model)).toThrow('has no probabilities to vote with')
  })
})

describe('StackingRegressor', () => {
  test('reads the rows after the answers when they are passed through', () => {
    const final = object('sklearn.linear_model._ridge.Ridge', {
      n_features_in_: 2,
      coef_: doubles([10, 1]),
      intercept_: 0,
    })
    const model = object('sklearn.ensemble._stacking.StackingRegressor', {
      n_features_in_: 1,
      estimators_: [always(3)],
      stack_method_: ['predict'],
      final_estimator_: final,
      passthrough: true,
    })

    expect(ask(model, 'predict', [[4]])).toEqual([34])
  })
})

describe('StackingClassifier', () => {
  test('labels of members trained before stand for themselves', () => {
    const model = object('sklearn.ensemble._stacking.StackingClassifier', {
      n_features_in_: 1,
      classes_: objects(['no', 'yes']),
      estimators_: [linear(1, integers([-3, 5]))],
      stack_method_: ['predict'],
      final_estimator_: linear(1),
      passthrough: false,
    })

    expect(ask(model, 'transform', [[2], [-2]])).toEqual([5, -3])
    expect(ask(model, 'predict', [[2], [-2]])).toEqual(['yes', 'no'])
  })
})

describe('CalibratedClassifierCV', () => {
  const calibrated = (labels: Inert, ...folds: readonly Inert[]) =>
    object('sklearn.calibration.CalibratedClassifierCV', {
      n_features_in_: 1,
      classes_: labels,
      calibrated_classifiers_: [...folds],
    })
  const fold = (estimator: Inert, labels: Inert, ...calibrators: readonly Inert[]) =>
    object('sklearn.calibration._CalibratedClassifier', {
      base_estimator: estimator,
      calibrators: [...calibrators],
      classes: labels,
    })
  const step = (value: number) =>
    object('sklearn.isotonic.IsotonicRegression', {
      X_thresholds_: doubles([0]),
      y_thresholds_: doubles([value]),
      X_min_: 0,
      X_max_: 0,
      out_of_bounds: 'clip',
    })
  const three = object('sklearn.svm._classes.LinearSVC', {
    n_features_in_: 1,
    classes_: integers([0, 1, 2]),
    coef_: doubles([1, 2, 3], [3, 1]),
    intercept_: doubles([0, 0, 0]),
  })
  const labels = integers([0, 1, 2])

  test('is the mean over its folds', () => {
    const pair = integers([0, 1])
    const model = calibrated(pair, fold(linear(1), pair, step(0.25)), fold(linear(1), pair, step(0.75)))

    expect(ask(model, 'predict_proba', [[1]])).toEqual([0.5, 0.5])
    expect(ask(model, 'predict', [[1]])).toEqual([0])
  })

  test('classes that no calibrator believes in are equally likely', () => {
    const model = calibrated(labels, fold(three, labels, step(0), step(0), step(0)))

    expect(ask(model, 'predict_proba', [[1]])).toEqual([1 / 3, 1 / 3, 1 / 3])
  })

  test('shares of three classes are divided by their sum', () => {
    const model = calibrated(labels, fold(three, labels, step(0.5), step(0.5), step(1)))

    expect(ask(model, 'predict_proba', [[1]])).toEqual([0.25, 0.25, 0.5])
  })

  test('a fold that missed a class is refused', () => {
    const model = calibrated(labels, fold(linear(1), labels, step(0.5), step(0.5)))

    expect(() => lowerModel(model)).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: calibrated_classifiers_[0]: a fold has 2 calibrators for 1 scores; every fold must see every class in training]`,
    )
  })

  test('other calibrators are refused by name', () => {
    const temperature = object('sklearn.calibration._BetaCalibration', { beta_: 1 })
    const pair = integers([0, 1])

    expect(() =>
      lowerModel(calibrated(pair, fold(linear(1), pair, temperature))),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: calibrated_classifiers_[0] > calibrators[0]: calibration by sklearn.calibration._BetaCalibration is not supported yet; use method 'sigmoid', 'isotonic' or 'temperature']`,
    )
  })
})

describe('IsotonicRegression', () => {
  const isotonic = (attributes: Record<string, Inert>) =>
    object('sklearn.isotonic.IsotonicRegression', {
      X_thresholds_: doubles([0, 1]),
      y_thresholds_: doubles([0, 1]),
      X_min_: 0,
      X_max_: 1,
      out_of_bounds: 'nan',
      ...attributes,
    })

  test.each([
    ['nan', Number.NaN],
    ['clip', 1],
  ])('out of bounds %s', (out_of_bounds, expected) => {
    expect(ask(isotonic({ out_of_bounds }), 'predict', [[2]])).toEqual([expected])
  })

  test('reads one column and says so', () => {
    expect(lowerModel(isotonic({})).inputs).toEqual([{ name: 'x0', kind: 'number' }])
  })

  test('float32 thresholds round the row and the answer', () => {
    const model = isotonic({ X_thresholds_: singles([0, 1]), y_thresholds_: singles([0, 1]) })
    const [output] = lowerModel(model).outputs

    expect(ask(model, 'predict', [[0.1]])).toEqual([Math.fround(0.1)])
    expect(output?.dtype).toBe('float32')
  })

  test('thresholds of version 0.23 had other names', () => {
    const old = object('sklearn.isotonic.IsotonicRegression', {
      _necessary_X_: doubles([0, 1]),
      _necessary_y_: doubles([0, 10]),
      X_min_: 0,
      X_max_: 1,
      out_of_bounds: 'clip',
    })

    expect(ask(old, 'predict', [[0.5]])).toEqual([5])
  })
})

describe('dummies', () => {
  const dummy = (attributes: Record<string, Inert>) =>
    object('sklearn.dummy.DummyClassifier', {
      strategy: 'most_frequent',
      classes_: objects(['a', 'b']),
      class_prior_: doubles([0.5, 0.5]),
      ...attributes,
    })

  test('the first of equally frequent classes is answered', () => {
    expect(ask(dummy({}), 'predict', [[], []])).toEqual(['a', 'a'])
    expect(ask(dummy({}), 'predict_proba', [[]])).toEqual([1, 0])
  })

  test('every output has its own most frequent class', () => {
    const model = dummy({
      classes_: [objects(['a', 'b']), objects(['c', 'd'])],
      class_prior_: [doubles([0.4, 0.6]), doubles([0.9, 0.1])],
    })

    expect(ask(model, 'predict', [[]])).toEqual(['b', 'c'])
  })

  test('answers at random are refused', () => {
    expect(() => lowerModel(dummy({ strategy: 'stratified' }))).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: sklearn.dummy.DummyClassifier answers at random (strategy "stratified"); use strategy 'prior' or 'most_frequent']`,
    )
  })
})

describe('searches', () => {
  const search = (attributes: Record<string, Inert>) =>
    object('sklearn.model_selection._search.GridSearchCV', { n_features_in_: 1, ...attributes })

  test('answer through the estimator they refitted', () => {
    expect(ask(search({ best_estimator_: always(7) }), 'predict', [[1]])).toEqual([7])
  })

  test('hold no model without a refit', () => {
    expect(() => lowerModel(search({ refit: false }))).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: sklearn.model_selection.GridSearchCV was fitted with refit=False and holds no model; fit it with refit=True, or save the chosen estimator]`,
    )
  })
})
