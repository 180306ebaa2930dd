import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { invert, type Matrix, product, transpose } from '../math/matrices.ts'
import { divide, matrixOf, project, quadraticForm, subtract, timesMatrix } from './affine.ts'
import { matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers, finiteRows } from './inputs.ts'
import { type Family, isAbsent, type Lower, type Lowered, once } from './lowering.ts'

const transforming = (build: () => Ref): Lowered => ({ methods: { transform: once(() => matrix(build())) } })

/** Rows less their mean, where the estimator keeps one. */
const centred = (estimator: Estimator, graph: Graph, x: Ref): Ref => {
  const rows = finiteNumbers(graph, x)
  return isAbsent(estimator.find('mean_')) ? rows : subtract(graph, rows, estimator.numbers('mean_'))
}

/** (x − mean) · componentsᵀ, whitened: divided by the deviation along each component. */
function principal(estimator: Estimator, graph: Graph, x: Ref): Ref {
  const scores = project(graph, centred(estimator, graph, x), matrixOf(estimator, 'components_'))
  if (!estimator.flag('whiten', false)) return scores
  const deviations = estimator
    .numbers('explained_variance_')
    .map((v) => Math.max(Math.sqrt(v), Number.EPSILON))
  return divide(graph, scores, deviations)
}

const lowerPrincipal: Lower = (estimator, x, { graph }) => transforming(() => principal(estimator, graph, x))

const lowerProbabilistic: Lower = (estimator, x, { graph }) => ({
  methods: {
    transform: once(() => matrix(principal(estimator, graph, x))),
    score_samples: once(() => vector(normalLikelihood(estimator, graph, x, principalCovariance(estimator)))),
  },
})

/** Components scaled by what they explain beyond the noise, plus the noise on the diagonal. */
function principalCovariance(estimator: Estimator): Matrix {
  const components = matrixOf(estimator, 'components_')
  const explained = estimator.numbers('explained_variance_')
  const noise = estimator.number('noise_variance_')
  const whiten = estimator.flag('whiten', false)
  const scaled = components.values.map((value, i) => {
    const variance = explained[Math.floor(i / components.columns)]!
    const beyond = variance > noise ? variance - noise : 0
    return value * Math.sqrt(beyond * (whiten ? variance : 1))
  })
  return plusDiagonal(scaled, components, new Float64Array(components.columns).fill(noise))
}

/** Wᵀ·W + diagonal */
function plusDiagonal(scaled: Float64Array, shape: Matrix, diagonal: Float64Array): Matrix {
  const components = { ...shape, values: scaled }
  const covariance = product(transpose(components), components)
  diagonal.forEach((value, i) => {
    covariance.values[i * covariance.columns + i]! += value
  })
  return covariance
}

/** ln of the normal density around `mean_`: −½ (x − mean)ᵀ C⁻¹ (x − mean) − ½ (d ln 2π + ln |C|) */
function normalLikelihood(estimator: Estimator, graph: Graph, x: Ref, covariance: Matrix): Ref {
  const { inverse, logDeterminant } = invert(covariance)
  const shift = -0.5 * (covariance.rows * Math.log(2 * Math.PI) + logDeterminant)
  return quadraticForm(graph, centred(estimator, graph, x), inverse, { scale: -0.5, shift })
}

/** Means of the factors of a row: (x − mean) Ψ⁻¹Wᵀ (I + W Ψ⁻¹ Wᵀ)⁻¹ */
const lowerFactors: Lower = (estimator, x, { graph }) => {
  const components = matrixOf(estimator, 'components_')
  const noise = estimator.numbers('noise_variance_')
  return {
    methods: {
      transform: once(() => {
        const weighted = {
          ...components,
          values: components.values.map((value, i) => value / noise[i % components.columns]!),
        }
        const inner = product(weighted, transpose(components))
        for (let i = 0; i < inner.rows; i++) inner.values[i * inner.rows + i]! += 1
        const scores = project(graph, centred(estimator, graph, x), weighted)
        return matrix(timesMatrix(graph, scores, invert(inner).inverse))
      }),
      score_samples: once(() => {
        const covariance = plusDiagonal(components.values, components, noise)
        return vector(normalLikelihood(estimator, graph, x, covariance))
      }),
    },
  }
}

const lowerIndependent: Lower = (estimator, x, { graph }) =>
  transforming(() => project(graph, centred(estimator, graph, x), matrixOf(estimator, 'components_')))

const lowerPlain: Lower = (estimator, x, { graph }) =>
  transforming(() => project(graph, finiteRows(graph, x), matrixOf(estimator, 'components_')))

const lowerLeastSquares: Lower = (estimator, x, { graph }) => {
  const shifted = once(() =>
    subtract(graph, finiteNumbers(graph, x), estimator.numbers('_x_mean', 'x_mean_')),
  )
  const scaled = once(() => divide(graph, shifted(), estimator.numbers('_x_std', 'x_std_')))
  return {
    methods: {
      transform: once(() => matrix(timesMatrix(graph, scaled(), matrixOf(estimator, 'x_rotations_')))),
      predict: once(() => {
        const { weights, ofScaled } = leastSquaresWeights(estimator)
        const node = project(graph, ofScaled ? scaled() : shifted(), weights, interceptOf(estimator))
        return estimator.flag('_predict_1d', false) ? vector(node) : matrix(node)
      }),
    },
  }
}

const interceptOf = (estimator: Estimator): Float64Array =>
  estimator.has('intercept_') ? estimator.numbers('intercept_') : estimator.numbers('_y_mean', 'y_mean_')

/**
 * Targets × columns. Up to 1.0 `coef_` (1.1 and 1.2 keep `_coef_`, turned) was the other way round, and up to 1.4 it was of scaled columns: told by what the
 * rotations say it must be.
 */
function leastSquaresWeights(estimator: Estimator): { weights: Matrix; ofScaled: boolean } {
  const rotations = matrixOf(estimator, 'x_rotations_')
  const loadings = matrixOf(estimator, 'y_loadings_')
  const deviations = estimator.numbers('_y_std', 'y_std_')
  const ofScaled = product(loadings, transpose(rotations))
  const expected = ofScaled.values.map((value, i) => value * deviations[Math.floor(i / ofScaled.columns)]!)
  const key = estimator.has('_coef_') ? '_coef_' : 'coef_'
  const stored = matrixOf(estimator, key)
  const turned = estimator.has('intercept_') ? stored : transpose(stored)
  if (turned.rows !== ofScaled.rows || turned.columns !== ofScaled.columns)
    throw estimator.error('corrupt', `${estimator.name} has coefficients that do not fit its rotations`)
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const same = turned.values.every((value, i) => Math.abs(value - expected[i]!) <= 1e-6 * size)
  return { weights: turned, ofScaled: same }
}

const named = (module: string, names: string): string[] =>
  names.split(' ').map((name) => `sklearn.${module}.${name}`)

const PRINCIPAL_FIELDS = `components_ explained_variance_ explained_variance_ratio_ singular_values_ mean_ var_
  n_components_ n_samples_ n_samples_seen_ noise_variance_ batch_size_`

export const projectionFamily: readonly Family[] = [
  { names: named('decomposition', 'PCA'), fields: PRINCIPAL_FIELDS, lower: lowerProbabilistic },
  { names: named('decomposition', 'IncrementalPCA'), fields: PRINCIPAL_FIELDS, lower: lowerPrincipal },
  {
    names: named('decomposition', 'TruncatedSVD'),
    fields: 'components_ explained_variance_ explained_variance_ratio_ singular_values_',
    lower: lowerPlain,
  },
  {
    names: named('decomposition', 'FactorAnalysis'),
    fields: 'components_ loglike_ noise_variance_ mean_ n_iter_',
    lower: lowerFactors,
  },
  {
    names: named('decomposition', 'FastICA'),
    fields: 'components_ mixing_ mean_ n_iter_ whitening_',
    lower: lowerIndependent,
  },
  {
    names: named('random_projection', 'GaussianRandomProjection SparseRandomProjection'),
    fields: 'components_ n_components_ density_ inverse_components_',
    lower: lowerPlain,
  },
  {
    names: named('cross_decomposition', 'PLSRegression PLSCanonical CCA'),
    fields: `x_weights_ y_weights_ x_loadings_ y_loadings_ x_rotations_ y_rotations_ x_scores_ y_scores_ coef_ _coef_
      intercept_ n_iter_ x_mean_ y_mean_ x_std_ y_std_`,
    lower: lowerLeastSquares,
  },
]
