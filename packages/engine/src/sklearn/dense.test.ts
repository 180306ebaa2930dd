import { expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, integers, object } from '../../test/inert.ts'
import type { Inert, InertObject } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

/** Small fitted models, and what each is refused with when one attribute is another. */
const csr = (columns: readonly number[]) =>
  object('scipy.sparse._csr.csr_matrix', {
    _shape: [1, 2],
    data: doubles([3]),
    indices: integers(columns),
    indptr: integers([0, 1]),
  })

const svc = {
  qualified: 'sklearn.svm._classes.SVC',
  attributes: {
    kernel: 'linear',
    degree: 3,
    coef0: 0,
    _gamma: 1,
    n_features_in_: 1,
    classes_: integers([4, 7]),
    support_vectors_: doubles([-1, 1], [2, 1]),
    _n_support: integers([1, 1]),
    _dual_coef_: doubles([1, -1], [1, 2]),
    _intercept_: doubles([0]),
    _probA: doubles([]),
  },
}
const mixture = {
  qualified: 'sklearn.mixture._gaussian_mixture.GaussianMixture',
  attributes: {
    covariance_type: 'spherical',
    n_features_in_: 2,
    weights_: doubles([0.5, 0.5]),
    means_: doubles([0, 0, 10, 10], [2, 2]),
    precisions_cholesky_: doubles([1, 2]),
  },
}
const projection = {
  qualified: 'sklearn.random_projection.SparseRandomProjection',
  attributes: { n_features_in_: 2, components_: csr([1]) },
}
const network = {
  qualified: 'sklearn.neural_network._multilayer_perceptron.MLPRegressor',
  attributes: {
    n_features_in_: 1,
    activation: 'relu',
    out_activation_: 'identity',
    coefs_: [doubles([2], [1, 1]), doubles([3], [1, 1])],
    intercepts_: [doubles([-1]), doubles([1])],
  },
}
const ridge = {
  qualified: 'sklearn.kernel_ridge.KernelRidge',
  attributes: {
    n_features_in_: 1,
    kernel: 'laplacian',
    gamma: null,
    X_fit_: doubles([1], [1, 1]),
    dual_coef_: doubles([2]),
  },
}

const model = (
  { qualified, attributes }: { qualified: string; attributes: Readonly<Record<string, Inert>> },
  change: Record<string, Inert> = {},
): InertObject => object(qualified, { ...attributes, ...change })

test('a support vector machine answers the class of the side, the second one on the border', () => {
  expect(ask(model(svc), 'predict', [[-2], [2], [0]])).toEqual([4, 7, 7])
  expect(ask(model(svc), 'decision_function', [[-2], [2]])).toEqual([-4, 4])
})

test('a spherical mixture knows where its components are', () => {
  expect(
    ask(model(mixture), 'predict', [
      [1, 0],
      [9, 9],
    ]),
  ).toEqual([0, 1])
  const [score] = ask(model(mixture), 'score_samples', [[0, 0]])
  expect(score).toBeCloseTo(Math.log(0.5 / (2 * Math.PI)), 12)
})

test('sparse components, layers and kernels without gamma', () => {
  expect(ask(model(projection), 'transform', [[5, 7]])).toEqual([21])
  expect(ask(model(network), 'predict', [[2], [0]])).toEqual([10, 1])
  expect(ask(model(ridge), 'predict', [[3]])[0]).toBeCloseTo(2 * Math.exp(-2), 15)
})

test('support vectors that were sparse in training are the same ones', () => {
  const [vectors, coefficients] = [
    [-1, 0, 0, 2],
    [1, -1],
  ]
  const attributes = { n_features_in_: 2, _intercept_: doubles([0.5]) }
  const sparse = (
    values: readonly number[],
    shape: readonly number[],
    [indices, indptr]: readonly number[][],
  ) =>
    object('scipy.sparse._csr.csr_matrix', {
      _shape: [...shape],
      data: doubles(values),
      indices: integers(indices!),
      indptr: integers(indptr!),
    })
  const rows = [
    [1, 3],
    [-2, 0],
  ]

  const dense = model(svc, {
    ...attributes,
    support_vectors_: doubles(vectors!, [2, 2]),
    _dual_coef_: doubles(coefficients!, [1, 2]),
  })
  const same = model(svc, {
    ...attributes,
    support_vectors_: sparse(
      [-1, 2],
      [2, 2],
      [
        [0, 1],
        [0, 1, 2],
      ],
    ),
    _dual_coef_: sparse(
      [1, -1],
      [1, 2],
      [
        [0, 1],
        [0, 2],
      ],
    ),
  })

  expect(ask(same, 'decision_function', rows)).toEqual(ask(dense, 'decision_function', rows))
})

test.each([
  ['other support vectors', model(svc, { _n_support: integers([1, 2]) }), 'are not those of 2 classes'],
  ['other classes', model(svc, { classes_: integers([1, 2, 3]) }), 'support vectors of 2 classes'],
  ['a kernel of Python', model(svc, { kernel: object('m.f', {}) }), 'a kernel written in Python'],
  ['a precomputed kernel', model(svc, { kernel: 'precomputed' }), 'a precomputed kernel'],
  ['support vectors of other columns', model(svc, { support_vectors_: csr([0]) }), 'contradicts itself'],
  ['another covariance', model(mixture, { covariance_type: 'full' }), 'not of the type full'],
  ['too few weights', model(mixture, { weights_: doubles([1]) }), '1 weights for 2 means'],
  ['a column that is not there', model(projection, { components_: csr([2]) }), 'column 2 of 2'],
  ['an activation', model(network, { activation: 'sine' }), 'the activation sine'],
  [
    'a layer that does not fit',
    model(network, { coefs_: [doubles([2], [1, 1]), doubles([3, 3], [2, 1])] }),
    'contradicts itself',
  ],
  ['a kernel', model(ridge, { kernel: 'chi2' }), 'the kernel chi2'],
])('%s: refused', (_, broken, message) => {
  expect(() => lowerModel(broken)).toThrow(message)
})
