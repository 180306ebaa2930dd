import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { records } from '../../test/fitted-trees.ts'
import { doubles, integers, object } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

type Nodes = Readonly<Record<string, readonly number[]>>

/** One split of column 0: members of the set (or x <= 0.5) answer 1, others 2. */
const predictor = (nodes: Nodes, members: readonly number[] = []) => {
  const words = new Array<number>(8).fill(0)
  for (const member of members) words[member >> 5]! += 2 ** (member & 31)
  return object('sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor', {
    nodes: records({
      value: [0, 1, 2],
      feature_idx: [0, 0, 0],
      num_threshold: [0.5, 0, 0],
      missing_go_to_left: [0, 0, 0],
      left: [1, 0, 0],
      right: [2, 0, 0],
      is_leaf: [0, 1, 1],
      is_categorical: [0, 0, 0],
      bitset_idx: [0, 0, 0],
      ...nodes,
    }),
    raw_left_cat_bitsets: doubles(words, [1, 8]),
  })
}

const regressor = (tree: Inert, attributes: Readonly<Record<string, Inert>> = {}) =>
  object('sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor', {
    n_features_in_: 1,
    loss: 'squared_error',
    _baseline_prediction: doubles([10], [1, 1]),
    _predictors: [[tree]],
    _bin_mapper: object('sklearn.ensemble._hist_gradient_boosting.binning._BinMapper', {
      is_categorical_: integers([1]),
      bin_thresholds_: [doubles([0, 1, 2, 40, 255])],
    }),
    ...attributes,
  })

const NAN = Number.NaN
const categorical = { is_categorical: [1, 0, 0] }

describe('histogram gradient boosting', () => {
  test.each([
    ['right', 0, [12, 12, 12, 12]],
    ['left', 1, [11, 11, 11, 11]],
  ])('sends unknown, missing and negative categories %s together', (_, missingLeft, expected) => {
    const tree = predictor({ ...categorical, missing_go_to_left: [missingLeft, 0, 0] }, [1, 40])
    const model = regressor(tree)

    expect(ask(model, 'predict', [[3], [NAN], [-1], [200]])).toEqual(expected)
    expect(ask(model, 'predict', [[1], [40], [0], [2], [255]])).toEqual([11, 11, 12, 12, 12])
  })

  test('compares features as float64', () => {
    const model = regressor(predictor({}))

    expect(ask(model, 'predict', [[0.5], [0.5 + 1e-12], [-Infinity], [Infinity]])).toEqual([11, 12, 11, 12])
  })

  test('takes a baseline that is a plain number', () => {
    expect(ask(regressor(predictor({}), { _baseline_prediction: 3 }), 'predict', [[0]])).toEqual([4])
  })

  test.each(['poisson', 'gamma'])('answers exp of the score for the %s loss', (loss) => {
    const model = regressor(predictor({}), { loss, _baseline_prediction: -1 })

    expect(ask(model, 'predict', [[0]])).toEqual([1])
  })

  test.each([
    ['a loss we do not know', predictor({}), { loss: 'tweedie' }, 'its loss tweedie is not known'],
    [
      'a split without its set',
      predictor({ ...categorical, bitset_idx: [1, 0, 0] }),
      {},
      'names no categories',
    ],
    ['a node field we do not know', predictor({ weight: [1, 1, 1] }), {}, 'field weight'],
    ['a child that leads back', predictor({ left: [0, 0, 0] }), {}, 'points at node 0'],
    [
      'fewer trees than scores',
      predictor({}),
      { _baseline_prediction: doubles([1, 2], [1, 2]) },
      'one tree per',
    ],
  ])('refuses %s', (_, tree, attributes, message) => {
    expect(() => lowerModel(regressor(tree, attributes))).toThrow(message)
  })
})
