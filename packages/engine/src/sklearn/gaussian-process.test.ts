import { expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { doubles, object } from '../../test/inert.ts'
import type { Inert, InertObject } from '../pickle/values.ts'

const kernel = (name: string, attributes: Record<string, Inert>) =>
  object(`sklearn.gaussian_process.kernels.${name}`, attributes)

/** A process with one training row at (0, 0) of weight 1: its mean is the kernel. */
const process = (of: InertObject) =>
  object('sklearn.gaussian_process._gpr.GaussianProcessRegressor', {
    n_features_in_: 2,
    kernel_: of,
    X_train_: doubles([0, 0], [1, 2]),
    alpha_: doubles([1]),
    _y_train_mean: doubles([0]),
    _y_train_std: doubles([1]),
  })

const rbf = kernel('RBF', { length_scale: 2 })
const two = kernel('ConstantKernel', { constant_value: 2 })

/** k((3, 4), (0, 0)), distance 5; formulas of Rasmussen & Williams, Gaussian Processes for Machine Learning, ch. 4. */
test.each([
  ['RBF', rbf, Math.exp(-25 / 8)],
  ['RBF of two scales', kernel('RBF', { length_scale: doubles([3, 2]) }), Math.exp(-5 / 2)],
  ['Matern 1/2', kernel('Matern', { length_scale: 2, nu: 0.5 }), Math.exp(-2.5)],
  [
    'Matern 3/2',
    kernel('Matern', { length_scale: 5, nu: 1.5 }),
    (1 + Math.sqrt(3)) * Math.exp(-Math.sqrt(3)),
  ],
  [
    'Matern 5/2',
    kernel('Matern', { length_scale: 5, nu: 2.5 }),
    (1 + Math.sqrt(5) + 5 / 3) * Math.exp(-Math.sqrt(5)),
  ],
  ['Matern ∞', kernel('Matern', { length_scale: 2, nu: Number.POSITIVE_INFINITY }), Math.exp(-25 / 8)],
  ['rational', kernel('RationalQuadratic', { length_scale: 5, alpha: 0.5 }), Math.SQRT1_2],
  ['periodic', kernel('ExpSineSquared', { length_scale: 1, periodicity: 10 }), Math.exp(-2)],
  ['dot product', kernel('DotProduct', { sigma_0: 3 }), 9],
  ['noise', kernel('WhiteKernel', { noise_level: 3 }), 0],
  ['sum', kernel('Sum', { k1: two, k2: rbf }), 2 + Math.exp(-25 / 8)],
  ['product', kernel('Product', { k1: two, k2: rbf }), 2 * Math.exp(-25 / 8)],
  ['power', kernel('Exponentiation', { kernel: two, exponent: 3 }), 8],
])('the kernel %s', (_, of, value) => {
  const [mean] = ask(process(of), 'predict', [[3, 4]])

  expect(mean).toBeCloseTo(value, 14)
})

test('kernels we do not know are refused', () => {
  const pairwise = process(kernel('PairwiseKernel', {}))
  const bessel = process(kernel('Matern', { length_scale: 1, nu: 0.7 }))

  expect(() => ask(pairwise, 'predict', [[0, 0]])).toThrow('kernels.PairwiseKernel is not supported')
  expect(() => ask(bessel, 'predict', [[0, 0]])).toThrow('nu 0.7')
})
