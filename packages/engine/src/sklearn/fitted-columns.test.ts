import { expect, test } from 'vitest'
import { doubles, object, objects } from '../../test/inert.ts'
import type { Inert } from '../pickle/values.ts'
import { Estimator } from './estimator.ts'
import { fittedNames, fittedWidth } from './fitted-columns.ts'

const estimator = (attributes: Readonly<Record<string, Inert>>): Estimator =>
  new Estimator(object('sklearn.linear_model.logistic.LogisticRegression', attributes), [])

const csr = object('scipy.sparse.csr.csr_matrix', { _shape: [7, 5] })

const searchTree = object('sklearn.neighbors.kd_tree.KDTree', {})
searchTree.state = [doubles([1, 2, 3, 4, 5, 6], [2, 3])]

test.each([
  ['what it says', { n_features_in_: 4, coef_: doubles([1, 2]) }, 4],
  ['coefficients of one output', { coef_: doubles([1, 2]) }, 2],
  ['coefficients of several', { coef_: doubles([1, 2, 3, 4, 5, 6], [2, 3]) }, 3],
  ['the first layer of a network', { coefs_: [doubles([1, 2, 3, 4, 5, 6], [3, 2]), doubles([1, 2])] }, 3],
  ['the shape it was fitted on', { shape_fit_: [100, 6], coef_: doubles([1]) }, 6],
  ['categories, a list per column', { categories_: [doubles([1, 2]), doubles([1, 2, 3])] }, 2],
  ['sparse training rows', { _fit_X: csr }, 5],
  ['a search tree', { tree_: searchTree }, 3],
  [
    'an imputer inside',
    { initial_imputer_: object('sklearn.impute.SimpleImputer', { statistics_: doubles([1, 2]) }) },
    2,
  ],
  ['nothing', { norm: 'l2' }, undefined],
])('the width comes from %s', (_, attributes: Readonly<Record<string, Inert>>, width) => {
  expect(fittedWidth(estimator(attributes))).toBe(width)
})

test('an object that holds itself has no width', () => {
  const circle = object('sklearn.impute.SimpleImputer', {})
  circle.state = new Map<Inert, Inert>([
    ['statistics_', circle],
    ['tree_', circle],
    ['initial_imputer_', circle],
  ])

  expect(fittedWidth(new Estimator(circle, []))).toBeUndefined()
})

test('names are those of the fit, of a column transformer also where it kept them before 1.0', () => {
  const names = objects(['age', 'plan'])
  const index = object('pandas.core.indexes.base._new_Index', {})

  expect(fittedNames(estimator({ feature_names_in_: names }))).toEqual(['age', 'plan'])
  expect(fittedNames(estimator({ _feature_names_in: names }))).toEqual(['age', 'plan'])
  expect(fittedNames(estimator({ _df_columns: index }))).toBeUndefined()
  expect(fittedNames(estimator({}))).toBeUndefined()
})
