import { describe, expect, test } from 'vitest'
import { doubles, object } from '../../test/inert.ts'
import { answer } from '../../test/transform.ts'
import type { Inert, InertObject } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

/** Two columns of categories, 0 … 2 and 0 … 1, of which training saw 0, 2 and 1. */
const encoder = (attributes: Readonly<Record<string, Inert>> = {}): InertObject =>
  object('sklearn.preprocessing.data.OneHotEncoder', {
    _sklearn_version: '0.19.2',
    handle_unknown: 'error',
    categorical_features: 'all',
    n_values_: doubles([3, 2]),
    feature_indices_: doubles([0, 3, 5]),
    active_features_: doubles([0, 2, 4]),
    ...attributes,
  })

describe('a one-hot encoder from before 0.20', () => {
  test('encodes what training saw; what it did not see is no category', () => {
    expect(
      answer(encoder(), 'transform', [
        [2.9, 1],
        [1, 0],
      ]),
    ).toEqual([
      [0, 1, 1],
      [0, 0, 0],
    ])
  })

  test('refuses a value beyond those of training', () => {
    expect(() => answer(encoder(), 'transform', [[3, 1]])).toThrow()
    expect(() => answer(encoder(), 'transform', [[-1, 1]])).toThrow()
  })

  test.each([
    ['columns that are not there', { categorical_features: [0, 7] }, 'does not say how many there are'],
    ['fewer columns than sizes', { categorical_features: [0] }, 'was fitted on 2 columns of categories'],
    ['more values than places', { n_values_: doubles([3, 9]) }, 'has 12 values and places for 5'],
    [
      'a billion values',
      { n_values_: doubles([1e9, 1e9]), feature_indices_: doubles([0, 1e9, 2e9]) },
      'columns',
    ],
    ['no number of values', { n_values_: doubles([Number.NaN, 2]) }, ''],
  ])('%s are refused', (_, attributes: Readonly<Record<string, Inert>>, message) => {
    expect(() => lowerModel(encoder(attributes))).toThrow(message)
  })
})
