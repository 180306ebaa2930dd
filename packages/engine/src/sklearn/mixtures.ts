import type { Ref } from '../ir/program.ts'
import type { Matrix } from '../math/matrices.ts'
import { digamma } from '../math/special.ts'
import { logSumExp, squareSums } from '../ops/densities.ts'
import { argmax, expNormalise } from '../ops/links.ts'
import { arithmetic } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { matrixOf, timesMatrix } from './affine.ts'
import { matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'

/** Columns × columns factor of every component's precision, and ln of its determinant. */
type Factors = { readonly whitening: Matrix; readonly logDeterminant: number }[]

/** `precisions_cholesky_`, whose shape tells the covariance type: full, tied, diagonal or spherical. */
function factorsOf(estimator: Estimator, { rows: components, columns }: Matrix): Factors {
  const array = estimator.array('precisions_cholesky_')
  const values = numbersOf(array)
  const kind = estimator.text('covariance_type')
  const square = columns * columns
  const lengths: Record<string, number> = {
    full: components * square,
    tied: square,
    diag: components * columns,
    spherical: components,
  }
  if (values.length !== lengths[kind])
    throw estimator.error('corrupt', `${estimator.name} has precisions that are not of the type ${kind}`)
  return Array.from({ length: components }, (_, k) => {
    const at = (i: number): number => {
      const diagonal = i % (columns + 1) === 0
      if (kind === 'full') return values[k * square + i]!
      if (kind === 'tied') return values[i]!
      if (!diagonal) return 0
      return kind === 'diag' ? values[k * columns + i / (columns + 1)]! : values[k]!
    }
    const whitening = {
      values: Float64Array.from({ length: square }, (_, i) => at(i)),
      rows: columns,
      columns,
    }
    let logDeterminant = 0
    for (let i = 0; i < columns; i++) logDeterminant += Math.log(at(i * (columns + 1)))
    return { whitening, logDeterminant }
  })
}

/** ln of the density of every component, plus a constant of its own: −½ (d ln 2π + |(x − mean) · whitening|²) + ln |whitening| */
function componentScores(estimator: Estimator, x: Ref, shifts: Float64Array, { graph }: Context): Ref {
  const means = matrixOf(estimator, 'means_')
  if (shifts.length !== means.rows)
    throw estimator.error('corrupt', `${estimator.name} has ${shifts.length} weights for ${means.rows} means`)
  const rows = finiteNumbers(graph, x)
  const factors = factorsOf(estimator, means)
  const lengths = factors.map(({ whitening }, k) => {
    const mean = { values: means.values.subarray(k * means.columns, (k + 1) * means.columns) }
    const shift = whitening.values.reduce((sums, value, i) => {
      sums[i % whitening.columns]! -= value * mean.values[Math.floor(i / whitening.columns)]!
      return sums
    }, new Float64Array(whitening.columns))
    const whitened = timesMatrix(graph, rows, whitening, shift)
    return graph.add(squareSums, [whitened], { size: whitening.columns })
  })
  const norm = means.columns * Math.log(2 * Math.PI)
  const fill = (value: number) => new Float64Array(means.rows).fill(value)
  const steps = [
    { by: 'add', values: fill(norm) },
    { by: 'multiply', values: fill(-0.5) },
    { by: 'add', values: Float64Array.from(factors, ({ logDeterminant }) => logDeterminant) },
    { by: 'add', values: shifts },
  ] as const
  return graph.add(arithmetic, [graph.concat(lengths)], { steps, single: false })
}

/** What a component weighs before the row is seen, as a logarithm. */
type Weighting = (estimator: Estimator) => Float64Array

const logWeights: Weighting = (estimator) => estimator.numbers('weights_').map(Math.log)

/** Expected ln weight, and the corrections that the uncertainty of precisions and means brings. */
const variational: Weighting = (estimator) => {
  const { columns } = matrixOf(estimator, 'means_')
  const freedom = estimator.numbers('degrees_of_freedom_')
  const certainty = estimator.numbers('mean_precision_')
  const weights = expectedLogWeights(estimator)
  return weights.map((weight, k) => {
    let logLambda = columns * Math.LN2
    for (let i = 0; i < columns; i++) logLambda += digamma(0.5 * (freedom[k]! - i))
    return -0.5 * columns * Math.log(freedom[k]!) + 0.5 * (logLambda - columns / certainty[k]!) + weight
  })
}

function expectedLogWeights(estimator: Estimator): Float64Array {
  const concentration = estimator.get('weight_concentration_')
  if (concentration instanceof NdArray) {
    const values = numbersOf(concentration)
    const total = digamma(values.reduce((sum, value) => sum + value, 0))
    return values.map((value) => digamma(value) - total)
  }
  const [a, b] = Array.isArray(concentration) ? concentration : []
  if (!(a instanceof NdArray && b instanceof NdArray))
    throw estimator.error('corrupt', `${estimator.name} has no concentration of its weights`)
  const [first, second] = [numbersOf(a), numbersOf(b)]
  let stick = 0
  return first.map((value, k) => {
    const total = digamma(value + second[k]!)
    const weight = digamma(value) - total + stick
    stick += digamma(second[k]!) - total
    return weight
  })
}

const mixture =
  (weighting: Weighting): Lower =>
  (estimator, x, context) => {
    const { graph } = context
    const scores = once(() => componentScores(estimator, x, weighting(estimator), context))
    return {
      methods: {
        predict: once(() => vector(graph.add(argmax, [scores()], {}), 'int64')),
        predict_proba: once(() => matrix(graph.add(expNormalise, [scores()], {}))),
        score_samples: once(() => vector(graph.add(logSumExp, [scores()], {}))),
      },
    }
  }

const FIELDS = `weights_ means_ covariances_ precisions_ precisions_cholesky_ converged_ n_iter_ lower_bound_
  lower_bounds_ weight_concentration_prior_ weight_concentration_ mean_precision_prior_ mean_precision_ mean_prior_
  degrees_of_freedom_prior_ degrees_of_freedom_ covariance_prior_`

export const mixtureFamily: readonly Family[] = [
  { names: ['sklearn.mixture.GaussianMixture'], fields: FIELDS, lower: mixture(logWeights) },
  { names: ['sklearn.mixture.BayesianGaussianMixture'], fields: FIELDS, lower: mixture(variational) },
]
