import { describe, expect, test } from 'vitest'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'
import { DType, type Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const OBJECTS = new DType('O', 8, false)
const FLOATS = new DType('f', 8, false)

const imputer = (statistics: Inert, attributes: Record<string, Inert> = {}) =>
  object('sklearn.impute._base.SimpleImputer', {
    n_features_in_: 2,
    _sklearn_version: '1.3.2',
    missing_values: Number.NaN,
    strategy: 'most_frequent',
    statistics_: statistics,
    indicator_: null,
    _fit_dtype: OBJECTS,
    ...attributes,
  })

const indicator = (attributes: Record<string, Inert> = {}) =>
  object('sklearn.impute._base.MissingIndicator', {
    n_features_in_: 2,
    missing_values: Number.NaN,
    features: 'missing-only',
    error_on_new: true,
    features_: integers([1]),
    ...attributes,
  })

describe('SimpleImputer', () => {
  test('the default marker leaves None in text columns', () => {
    const model = imputer(objects(['a', 'b']))

    expect(
      transform(model, [
        [Number.NaN, 'x'],
        [null, null],
      ]),
    ).toEqual([
      ['a', 'x'],
      [null, null],
    ])
  })

  test('the marker None fills None and refuses NaN', () => {
    const model = imputer(objects(['a', 'b']), { missing_values: null })

    expect(transform(model, [[null, 'x']])).toEqual([['a', 'x']])
    expect(() => transform(model, [['a', Number.NaN]])).toThrow(
      expect.objectContaining({ field: 'x1', message: expect.stringContaining('contains NaN') }),
    )
  })

  test('text is filled beside a column that stays a number', () => {
    const model = imputer(objects(['a', 5]))

    expect(lowerModel(model).inputs.map(({ kind }) => kind)).toEqual(['cell', 'number'])
    expect(transform(model, [[Number.NaN, Number.NaN]])).toEqual([['a', 5]])
  })

  test('a column that had no value in training is dropped, unless it is kept', () => {
    const numbers = { strategy: 'mean', _fit_dtype: FLOATS }
    const statistics = doubles([Number.NaN, 3])

    expect(transform(imputer(statistics, numbers), [[1, Number.NaN]])).toEqual([[3]])
    expect(transform(imputer(statistics, { ...numbers, keep_empty_features: true }), [[1, 2]])).toEqual([
      [1, 2],
    ])
  })

  test('a number as marker is replaced, and NaN refused', () => {
    const model = imputer(doubles([7, 8]), { missing_values: -1, _fit_dtype: FLOATS })

    expect(transform(model, [[-1, 2]])).toEqual([[7, 2]])
    expect(() => transform(model, [[Number.NaN, 2]])).toThrow('contains NaN')
  })

  test('the indicator sees columns that are dropped', () => {
    const model = imputer(doubles([Number.NaN, 3]), {
      strategy: 'mean',
      _fit_dtype: FLOATS,
      indicator_: indicator({ features_: integers([0, 1]), error_on_new: false }),
    })

    expect(transform(model, [[Number.NaN, 2]])).toEqual([[2, 1, 0]])
  })

  test('a marker that is neither number, text nor None is refused', () => {
    const pandas = object('pandas._libs.missing.NAType', {})

    expect(() => lowerModel(imputer(doubles([1, 2]), { missing_values: pandas }))).toThrow(
      'use numpy.nan or None',
    )
  })
})

describe('MissingIndicator', () => {
  test('a value missing where none was missing in training is the row’s error', () => {
    expect(transform(indicator(), [[1, Number.NaN]])).toEqual([[1]])
    expect(() => transform(indicator(), [[Number.NaN, 1]])).toThrow('which it never was in training')
  })

  test('new missing values are let pass when the indicator says so', () => {
    expect(transform(indicator({ error_on_new: false }), [[Number.NaN, 1]])).toEqual([[0]])
  })
})
