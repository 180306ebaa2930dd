import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, frame, object, singles } from '../../test/inert.ts'
import { interpret } from '../exec/reference.ts'
import { lowerModel } from './lower.ts'

const ridge = (attributes = {}) =>
  object('sklearn.linear_model._ridge.Ridge', {
    n_features_in_: 2,
    coef_: doubles([2, -1]),
    intercept_: 0.5,
    ...attributes,
  })

const tweedie = (link: string, power: number) =>
  object('sklearn.linear_model._glm.glm.TweedieRegressor', {
    n_features_in_: 1,
    coef_: doubles([1]),
    intercept_: 0,
    link,
    power,
  })

describe('linear regressors', () => {
  test('one target is answered as a vector, a column of targets as a matrix', () => {
    const column = ridge({ coef_: doubles([2, -1], [1, 2]), intercept_: doubles([0.5]) })
    const shapes = [ridge(), column].map((model) => {
      const [answer] = interpret(lowerModel(model)).run(frame([[3, 1]]), ['predict'])
      return [answer?.parts[0]?.shape, answer?.parts[0]?.data]
    })

    expect(shapes).toEqual([
      [[1], Float64Array.of(5.5)],
      [[1, 1], Float64Array.of(5.5)],
    ])
  })

  test('one intercept serves several targets', () => {
    const model = ridge({ coef_: doubles([1, 0, 0, 1], [2, 2]), intercept_: 0 })

    expect(ask(model, 'predict', [[3, 4]])).toEqual([3, 4])
  })

  test('float32 coefficients multiply float64 rows in float64', () => {
    const model = ridge({ coef_: singles([1, 1]), intercept_: 0 })

    expect(ask(model, 'predict', [[2 ** 24, 1]])).toEqual([2 ** 24 + 1])
  })

  test('a row with NaN or infinity is refused with its column', () => {
    expect(() => ask(ridge(), 'predict', [[1, Number.NaN]])).toThrow('contains NaN')
    expect(() => ask(ridge(), 'predict', [[Number.POSITIVE_INFINITY, 1]])).toThrow('contains infinity')
  })

  test('sparse coefficients are refused with the call that makes them dense', () => {
    const sparse = object('scipy.sparse._csr.csr_matrix', {})

    expect(() => lowerModel(ridge({ coef_: sparse }))).toThrowErrorMatchingInlineSnapshot(
      `[ModelError: sklearn.linear_model.Ridge has sparse coefficients; call densify() before saving it]`,
    )
  })

  test('coefficients of other columns are refused', () => {
    expect(() => lowerModel(ridge({ coef_: doubles([1, 2, 3]) }))).toThrow(
      'sklearn.linear_model.Ridge contradicts itself',
    )
  })
})

describe('the link of TweedieRegressor', () => {
  test.each([
    ['auto', 0, 1],
    ['auto', 1.5, Math.E],
    ['log', 0, Math.E],
    ['identity', 2, 1],
  ])('%s with power %d answers %d to a score of 1', (link, power, expected) => {
    expect(ask(tweedie(link, power), 'predict', [[1]])[0]).toBeCloseTo(expected, 14)
  })

  test('an unknown link is refused', () => {
    expect(() => lowerModel(tweedie('probit', 1))).toThrow(
      'sklearn.linear_model.TweedieRegressor has the link "probit", which we do not know',
    )
  })
})

test('RANSAC answers through the model it kept', () => {
  const ransac = object('sklearn.linear_model._ransac.RANSACRegressor', {
    n_features_in_: 2,
    estimator_: ridge(),
  })

  expect(ask(ransac, 'predict', [[3, 1]])).toEqual([5.5])
})
