import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { regressionTree, stump } from '../../test/fitted-trees.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { type Inert, NdArray } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

/** `estimators_` of one column of trees per class. */
const table = (stages: readonly (readonly Inert[])[]): NdArray =>
  new NdArray([stages.length, stages[0]!.length], objects([]).dtype, false, stages.flat())

const loss = (name: 'early' | 'late') =>
  object(
    name === 'early' ? 'sklearn.ensemble._gb_losses.BinomialDeviance' : 'sklearn._loss.loss.HalfBinomialLoss',
    {},
  )

const classifier = (attributes: Readonly<Record<string, Inert>>) =>
  object('sklearn.ensemble._gb.GradientBoostingClassifier', {
    _sklearn_version: '1.7.2',
    n_features_in_: 2,
    classes_: integers([0, 1]),
    loss: 'log_loss',
    _loss: loss('late'),
    learning_rate: 0.1,
    init_: 'zero',
    estimators_: table([[regressionTree(stump([1], [-1]))]]),
    ...attributes,
  })

const regressor = (attributes: Readonly<Record<string, Inert>>) =>
  object('sklearn.ensemble._gb.GradientBoostingRegressor', {
    n_features_in_: 2,
    loss: 'squared_error',
    learning_rate: 0.1,
    init_: 'zero',
    estimators_: table([[regressionTree(stump([1], [-1]))]]),
    ...attributes,
  })

describe('gradient boosting', () => {
  test('rounds the shrunken leaf before it is added', () => {
    const trees = table([[regressionTree(stump([3], [0]))], [regressionTree(stump([3], [0]))]])

    expect(ask(regressor({ estimators_: trees }), 'predict', [[0, 0]])).toEqual([0.30000000000000004 * 2])
  })

  test('starts from an estimator that sees the features as float32', () => {
    const init = regressionTree(stump([1e16], [-1e16]))
    const trees = table([[regressionTree(stump([10], [0]))], [regressionTree(stump([10], [0]))]])

    expect(ask(regressor({ init_: init, estimators_: trees }), 'predict', [[0, 0]])).toEqual([1e16])
    expect(ask(regressor({ init_: init }), 'predict', [[0.5 + 1e-12, 0]])).toEqual([1e16])
  })

  test('calls a score of exactly zero the second class, but the first one until 1.3', () => {
    const even = { estimators_: table([[regressionTree(stump([0], [0]))]]) }
    const row = [[0, 0]]

    expect(ask(classifier(even), 'predict', row)).toEqual([1])
    expect(ask(classifier({ ...even, _loss: loss('early') }), 'predict', row)).toEqual([0])
    expect(ask(classifier({ ...even, _loss: loss('early'), loss: 'exponential' }), 'predict', row)).toEqual([
      1,
    ])
  })

  test('doubles scores of the exponential loss before they become probabilities', () => {
    const logistic = ask(classifier({ learning_rate: 0.2 }), 'predict_proba', [[0, 0]])

    expect(ask(classifier({ loss: 'exponential' }), 'predict_proba', [[0, 0]])).toEqual(logistic)
  })

  test('never accepts missing values', () => {
    expect(() => ask(classifier({}), 'predict', [[0, Number.NaN]])).toThrow('contains NaN')
  })

  test.each([
    ['trees of several outputs', { estimators_: table([[regressionTree(stump([1, 0], [0, 1]))]]) }],
    ['three classes and one tree per stage', { classes_: integers([0, 1, 2]) }],
    ['no trees', { estimators_: doubles([]) }],
  ])('refuses %s', (_, attributes) => {
    expect(() => lowerModel(classifier(attributes))).toThrow(
      /several outputs|differ in width|not a table of trees/,
    )
  })

  test('refuses a start without probabilities', () => {
    expect(() => lowerModel(classifier({ init_: regressionTree(stump([1], [2])) }))).toThrow(
      'init_: sklearn.tree.DecisionTreeRegressor has no probabilities to start from',
    )
  })
})
