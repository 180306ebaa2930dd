import { describe, expect, test } from 'vitest'
import { doubles, object } from '../../test/inert.ts'
import { answer, transform } from '../../test/transform.ts'
import { DType, type Inert, NdArray } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const ROW = [10, 20, 30, 40]

const selector = (name: string, attributes: Record<string, Inert>) =>
  object(`sklearn.feature_selection._any.${name}`, { n_features_in_: 4, ...attributes })

const kept = (name: string, attributes: Record<string, Inert>) =>
  transform(selector(name, attributes), [ROW])[0]

const mask = (...flags: number[]) =>
  new NdArray([flags.length], new DType('b', 1, false), false, Uint8Array.from(flags))

const linear = (coefficients: Inert, name = 'sklearn.linear_model._base.LinearRegression') =>
  object(name, { n_features_in_: 4, coef_: coefficients, intercept_: 0 })

describe('univariate selection', () => {
  test('of equal scores the later columns stay', () => {
    expect(kept('SelectKBest', { scores_: doubles([1, 2, 1, 1]), k: 2 })).toEqual([20, 40])
  })

  test('a score that is NaN is the worst', () => {
    expect(kept('SelectKBest', { scores_: doubles([-5, Number.NaN, -1, -3]), k: 3 })).toEqual([10, 30, 40])
  })

  test("k 'all' keeps all, k 0 none", () => {
    const scores_ = doubles([1, 2, 3, 4])

    expect(kept('SelectKBest', { scores_, k: 'all' })).toEqual(ROW)
    expect(() => kept('SelectKBest', { scores_, k: 0 })).not.toThrow()
  })

  test('of scores at the percentile the first ones stay, up to the share', () => {
    expect(kept('SelectPercentile', { scores_: doubles([3, 3, 3, 9]), percentile: 50 })).toEqual([10, 40])
  })

  test.each([
    ['SelectFpr', [10, 20, 30]],
    ['SelectFdr', [10, 20]],
    ['SelectFwe', [10]],
  ])('%s', (name, expected) => {
    expect(kept(name, { pvalues_: doubles([0.01, 0.024, 0.04, 0.9]), alpha: 0.05 })).toEqual(expected)
  })

  test('GenericUnivariateSelect does what its mode says', () => {
    const generic = { scores_: doubles([1, 2, 3, 4]), mode: 'k_best', param: 1 }

    expect(kept('GenericUnivariateSelect', generic)).toEqual([40])
    expect(() => kept('GenericUnivariateSelect', { ...generic, mode: 'new' })).toThrow(
      'in a mode we do not know',
    )
  })
})

describe('SelectFromModel', () => {
  const fromModel = (attributes: Record<string, Inert>) => ({ threshold: null, norm_order: 1, ...attributes })

  test('by default the columns of at least mean importance stay', () => {
    expect(kept('SelectFromModel', fromModel({ estimator_: linear(doubles([-4, 1, 2, 1])) }))).toEqual([
      10, 30,
    ])
  })

  test('a sparse model keeps what is not zero', () => {
    const lasso = linear(doubles([0, 1e-3, -0.5, 1e-6]), 'sklearn.linear_model._coordinate_descent.Lasso')

    expect(kept('SelectFromModel', fromModel({ estimator_: lasso }))).toEqual([20, 30])
  })

  test('importances of several classes are added up', () => {
    const estimator_ = linear(doubles([1, 0, 0, 1, -1, 0, 1, 0], [2, 4]))

    expect(kept('SelectFromModel', fromModel({ estimator_, threshold: '1.5*median' }))).toEqual([10])
  })

  test('no more than max_features stay', () => {
    const estimator_ = linear(doubles([1, 4, 3, 2]))

    expect(kept('SelectFromModel', fromModel({ estimator_, threshold: 0, max_features: 2 }))).toEqual([
      20, 30,
    ])
  })

  test('a callable that gives importances is refused', () => {
    const model = fromModel({
      estimator_: linear(doubles([1, 2, 3, 4])),
      importance_getter: 'named_steps.x.coef_',
    })

    expect(() => kept('SelectFromModel', model)).toThrow('takes importances from a place we do not know')
  })
})

describe('what a selector accepts', () => {
  const missing = [[Number.NaN, 20, 30, 40]]
  const tree = (name: string) => object(name, { criterion: 'gini' })

  test('missing values are refused in dropped columns too', () => {
    const model = selector('SequentialFeatureSelector', { support_: mask(0, 1, 0, 0) })

    expect(() => transform(model, missing)).toThrow('contains NaN')
  })

  test('variance thresholds accept everything', () => {
    const model = selector('VarianceThreshold', { variances_: doubles([1, 0, 2, 3]), threshold: 1 })

    expect(transform(model, missing)).toEqual([[30, 40]])
  })

  test.each([
    ['1.3.2', true],
    ['1.4.0', false],
  ])('a forest in the selector lets missing values pass from 1.4 on: %s', (version, refuses) => {
    const model = selector('SequentialFeatureSelector', {
      _sklearn_version: version,
      support_: mask(0, 1, 0, 0),
      estimator: tree('sklearn.ensemble._forest.RandomForestClassifier'),
    })
    const run = () => transform(model, missing)

    if (refuses) expect(run).toThrow('contains NaN')
    else expect(run()).toEqual([[20]])
  })
})

test('recursive elimination predicts with the columns that stayed', () => {
  const estimator_ = object('sklearn.linear_model._base.LinearRegression', {
    n_features_in_: 2,
    coef_: doubles([1, 100]),
    intercept_: 0,
  })
  const model = selector('RFE', { support_: mask(0, 1, 0, 1), estimator_, estimator: linear(null) })

  expect(transform(model, [ROW])).toEqual([[20, 40]])
  expect(answer(model, 'predict', [ROW])).toEqual([[4020]])
})

test('a support that does not fit the columns is a contradiction', () => {
  expect(() => lowerModel(selector('RFE', { support_: mask(1, 0) }))).toThrow(
    'chooses among 2 columns, gets 4',
  )
})
