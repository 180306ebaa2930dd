import { interpolate } from '../math/interpolate.ts'
import { NORMAL_LIMIT, normalShare } from '../math/normal.ts'
import { elementwise, expectLength } from './elementwise.ts'

/** Inverse of Yeo-Johnson. */
export const inverseYeoJohnson = elementwise<{ lambdas: Float64Array }>({
  name: 'inverse-yeo-johnson',
  validate: ({ lambdas }, type) => expectLength('inverse-yeo-johnson', lambdas, type.width),
  at:
    ({ lambdas }) =>
    (value, column) => {
      const lambda = lambdas[column]!
      if (value >= 0)
        return Math.abs(lambda) < Number.EPSILON
          ? Math.expm1(value)
          : (value * lambda + 1) ** (1 / lambda) - 1
      return Math.abs(lambda - 2) > Number.EPSILON
        ? 1 - (-(2 - lambda) * value + 1) ** (1 / (2 - lambda))
        : -Math.expm1(-value)
    },
})

/** Inverse of Box-Cox. */
export const inverseBoxCox = elementwise<{ lambdas: Float64Array }>({
  name: 'inverse-box-cox',
  validate: ({ lambdas }, type) => expectLength('inverse-box-cox', lambdas, type.width),
  at:
    ({ lambdas }) =>
    (value, column) => {
      const lambda = lambdas[column]!
      return lambda === 0 ? Math.exp(value) : Math.exp(Math.log1p(lambda * value) / lambda)
    },
})

/**
 * Back from shares (or normal scores) to values: the quantile of every share. Shares within rounding of 0 and 1 give the
 * first and the last quantile.
 */
export const inverseQuantileTransform = elementwise<{
  quantiles: readonly Float64Array[]
  references: Float64Array
  normal: boolean
}>({
  name: 'inverse-quantile-transform',
  validate({ quantiles, references }, type) {
    expectLength('inverse-quantile-transform', quantiles, type.width)
    for (const column of quantiles) expectLength('inverse-quantile-transform', column, references.length)
    if (references.length === 0) throw new RangeError('inverse-quantile-transform: no quantiles')
  },
  at({ quantiles, references, normal }) {
    const slack = normal ? NORMAL_LIMIT : 0
    return (value, column) => {
      const knots = quantiles[column]!
      const share = normal ? normalShare(value) : value
      if (normal ? share - slack < 0 : share === 0) return knots[0]!
      if (normal ? share + slack > 1 : share === 1) return knots[knots.length - 1]!
      return interpolate(share, references, knots)
    }
  },
})
