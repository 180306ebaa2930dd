import { expect, test } from 'vitest'
import { doubles, object } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const scaler = (name: string, attributes: Record<string, Inert>) =>
  object(`sklearn.preprocessing._data.${name}`, { n_features_in_: 1, ...attributes })

const minMax = (attributes: Record<string, Inert> = {}) =>
  scaler('MinMaxScaler', {
    scale_: doubles([0.1]),
    min_: doubles([-1]),
    feature_range: [-1, 1],
    ...attributes,
  })

test('values beyond those of training leave the range, unless they are clipped', () => {
  expect(transform(minMax(), [[30], [Number.NaN]])).toEqual([[2], [Number.NaN]])
  expect(transform(minMax({ clip: true }), [[30], [-30], [Number.NaN]])).toEqual([[1], [-1], [Number.NaN]])
  expect(transform(scaler('MaxAbsScaler', { scale_: doubles([2]), clip: true }), [[-5]])).toEqual([[-1]])
})

test('a scaler told not to centre reads no mean', () => {
  const model = scaler('StandardScaler', {
    with_mean: false,
    with_std: true,
    mean_: null,
    scale_: doubles([4]),
  })

  expect(transform(model, [[2]])).toEqual([[0.5]])
})

test('a power transform is standardised by the scaler inside', () => {
  const inside = scaler('StandardScaler', {
    mean_: doubles([1]),
    scale_: doubles([2]),
    with_mean: true,
    with_std: true,
  })
  const model = scaler('PowerTransformer', {
    method: 'yeo-johnson',
    standardize: true,
    lambdas_: doubles([2]),
    _scaler: inside,
  })

  expect(transform(model, [[2]])).toEqual([[((3 ** 2 - 1) / 2 - 1) / 2]])
})

test('a fitted attribute that nobody knows is refused', () => {
  expect(() => lowerModel(minMax({ fresh_: 1 }))).toThrow('has the attribute fresh_, which we do not know')
})

test('constants that do not fit the columns are a contradiction', () => {
  expect(() => lowerModel(minMax({ scale_: doubles([1, 2]) }))).toThrow('contradicts itself')
})
