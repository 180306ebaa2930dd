import type { Ref } from '../ir/program.ts'
import { logSumExp } from '../ops/densities.ts'
import { numpyFunction } from '../ops/functions.ts'
import { distances, type Formula } from '../ops/kernels.ts'
import { arithmetic } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { matrixOf, quadraticForm, subtract } from './affine.ts'
import { vector } from './answers.ts'
import { detector } from './detector.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { formulaNode } from './kernels.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'
import { comparedMetric, treeState } from './metrics.ts'

/** ln of the volume of the unit ball in d dimensions: V(d) = V(d − 2) · 2π / d. */
function logBall(d: number): number {
  if (d === 0) return 0
  return d === 1 ? Math.LN2 : logBall(d - 2) + Math.log((2 * Math.PI) / d)
}

const logFactorial = (n: number): number => (n <= 1 ? 0 : Math.log(n) + logFactorial(n - 1))

type DensityKernel = {
  /** ln of the kernel of a distance, in bandwidths. */
  readonly formula: Formula
  /** ln of its integral over d dimensions. */
  readonly logIntegral: (d: number) => number
}

const KERNELS: Readonly<Record<string, DensityKernel>> = {
  gaussian: { formula: 'log-gaussian', logIntegral: (d) => 0.5 * d * Math.log(2 * Math.PI) },
  tophat: { formula: 'log-tophat', logIntegral: logBall },
  epanechnikov: { formula: 'log-epanechnikov', logIntegral: (d) => logBall(d) + Math.log(2 / (d + 2)) },
  exponential: { formula: 'log-exponential', logIntegral: (d) => logBall(d) + logFactorial(d) },
  linear: { formula: 'log-linear', logIntegral: (d) => logBall(d) - Math.log(d + 1) },
}

/** ln (Σ weight · K(x, point) / Σ weight) over the training rows. */
const lowerDensity: Lower = (estimator, x, context) => ({
  methods: { score_samples: once(() => vector(logDensity(estimator, x, context))) },
})

function logDensity(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const name = estimator.text('kernel')
  const kernel = Object.hasOwn(KERNELS, name) ? KERNELS[name]! : undefined
  if (kernel === undefined)
    throw estimator.error('unsupported', `${estimator.name} has the kernel ${name}, which is not supported`)
  const state = treeState(estimator, 'tree_')
  const [data] = state
  const weights = state[12]
  if (!(data instanceof NdArray && data.shape.length === 2))
    throw estimator.error('corrupt', `${estimator.name}.tree_ is not a search tree`)
  const [count, columns] = data.shape as [number, number]
  const h = estimator.number(estimator.has('bandwidth_') ? 'bandwidth_' : 'bandwidth')
  const { metric, power } = comparedMetric(
    estimator,
    estimator.get('metric'),
    estimator.find('metric_params'),
  )
  if (power > 2)
    throw estimator.error('unsupported', `${estimator.name} with a minkowski metric is not supported`)
  const points = numbersOf(data)
  const compared = graph.add(distances, [finiteNumbers(graph, x)], { metric, points, power })
  const far = power === 2 ? graph.add(numpyFunction, [compared], { name: 'sqrt' }) : compared
  const logs = formulaNode(graph, far, kernel.formula, [1 / h])
  const own = weights instanceof NdArray ? numbersOf(weights) : new Float64Array(count).fill(1)
  const total = own.reduce((sum, weight) => sum + weight, 0)
  const norm = -kernel.logIntegral(columns) - columns * Math.log(h) - Math.log(total)
  const values = own.map((weight) => Math.log(weight) + norm)
  const shifted = graph.add(arithmetic, [logs], { steps: [{ by: 'add', values }], single: false })
  return graph.add(logSumExp, [shifted], {})
}

/** Mahalanobis distance to the robust centre, squared and negated; 1 inside (decision ≥ 0), −1 outside. */
const lowerEllipse: Lower = (estimator, x, { graph }) => {
  const score = once(() => {
    const centred = subtract(graph, finiteNumbers(graph, x), estimator.numbers('location_'))
    return quadraticForm(graph, centred, matrixOf(estimator, 'precision_'), { scale: -1, shift: 0 })
  })
  const decision = once(() => subtract(graph, score(), Float64Array.of(estimator.number('offset_'))))
  return detector(graph, { decision, score })
}

export const densityFamily: readonly Family[] = [
  {
    names: ['sklearn.neighbors.KernelDensity'],
    fields: 'tree_ bandwidth_',
    note: 'kernels gaussian, exponential, tophat, epanechnikov and linear',
    lower: lowerDensity,
  },
  {
    names: ['sklearn.covariance.EllipticEnvelope'],
    fields: `location_ covariance_ precision_ support_ offset_ raw_location_ raw_covariance_ raw_support_ dist_`,
    lower: lowerEllipse,
  },
]
