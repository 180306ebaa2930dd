import type { Ref } from '../ir/program.ts'
import { numpyFunction } from '../ops/functions.ts'
import { linear } from '../ops/matmul.ts'
import { arithmetic } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { matrixOf, project, timesMatrix } from './affine.ts'
import { matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { kernelNode, pairwiseKernelOf, pointsOf } from './kernels.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'

/** Kernel of the checked row with every row of an attribute. */
function kernelWith(estimator: Estimator, key: string, x: Ref, context: Context): Ref {
  const points = pointsOf(estimator, key)
  const rows = finiteNumbers(context.graph, x)
  return kernelNode({ estimator, rows, points, kernel: pairwiseKernelOf(estimator, points.columns) }, context)
}

const lowerRidge: Lower = (estimator, x, context) => ({
  methods: {
    predict: once(() => {
      const kernel = kernelWith(estimator, 'X_fit_', x, context)
      const dual = estimator.array('dual_coef_')
      if (dual.shape.length === 2)
        return matrix(timesMatrix(context.graph, kernel, matrixOf(estimator, 'dual_coef_')))
      const attrs = { weights: numbersOf(dual), bias: new Float64Array(1), single: false }
      return vector(context.graph.add(linear, [kernel], attrs))
    }),
  },
})

const lowerNystroem: Lower = (estimator, x, context) => ({
  methods: {
    transform: once(() => {
      const kernel = kernelWith(estimator, 'components_', x, context)
      return matrix(project(context.graph, kernel, matrixOf(estimator, 'normalization_')))
    }),
  },
})

/** cos(x · weights + offset) · √(2 / components) */
const lowerSampler: Lower = (estimator, x, { graph }) => ({
  methods: {
    transform: once(() => {
      const weights = matrixOf(estimator, 'random_weights_')
      const offset = estimator.numbers('random_offset_')
      const phase = timesMatrix(graph, finiteNumbers(graph, x), weights, offset)
      const waves = graph.add(numpyFunction, [phase], { name: 'cos' })
      const scale = new Float64Array(offset.length).fill(Math.sqrt(2 / offset.length))
      return matrix(
        graph.add(arithmetic, [waves], { steps: [{ by: 'multiply', values: scale }], single: false }),
      )
    }),
  },
})

/**
 * (K − rows − mean(K) + all) · A with A = eigenvectors / √eigenvalues, the centring folded in: K · (A − column means of A)
 * + (all − rows) · A. Components without variance are 0.
 */
const lowerPrincipal: Lower = (estimator, x, context) => ({
  methods: {
    transform: once(() => {
      const kernel = kernelWith(estimator, 'X_fit_', x, context)
      const centerer = estimator.child(estimator.get('_centerer'), '_centerer')
      const rows = centerer.numbers('K_fit_rows_')
      const all = centerer.number('K_fit_all_')
      const values = estimator.numbers('eigenvalues_', 'lambdas_')
      const vectors = matrixOf(estimator, 'eigenvectors_', 'alphas_')
      if (vectors.columns !== values.length || vectors.rows !== rows.length)
        throw estimator.error('corrupt', `${estimator.name} has eigenvectors that do not fit`)
      const scaled = vectors.values.map((value, i) => {
        const size = values[i % values.length]!
        return size > 0 ? value / Math.sqrt(size) : 0
      })
      const means = values.map(
        (_, k) => rows.reduce((sum, _, i) => sum + scaled[i * values.length + k]!, 0) / rows.length,
      )
      const bias = values.map((_, k) =>
        rows.reduce((sum, row, i) => sum + (all - row) * scaled[i * values.length + k]!, 0),
      )
      const folded = { ...vectors, values: scaled.map((value, i) => value - means[i % values.length]!) }
      return matrix(timesMatrix(context.graph, kernel, folded, bias))
    }),
  },
})

export const kernelMethodFamily: readonly Family[] = [
  {
    names: ['sklearn.kernel_ridge.KernelRidge'],
    fields: 'dual_coef_ X_fit_',
    note: 'kernels linear, poly, rbf, laplacian, sigmoid and cosine',
    lower: lowerRidge,
  },
  {
    names: ['sklearn.kernel_approximation.Nystroem'],
    fields: 'components_ component_indices_ normalization_',
    note: 'kernels linear, poly, rbf, laplacian, sigmoid and cosine',
    lower: lowerNystroem,
  },
  {
    names: ['sklearn.kernel_approximation.RBFSampler'],
    fields: 'random_offset_ random_weights_ _gamma',
    lower: lowerSampler,
  },
  {
    names: ['sklearn.decomposition.KernelPCA'],
    fields: 'eigenvalues_ eigenvectors_ lambdas_ alphas_ dual_coef_ X_transformed_fit_ X_fit_ gamma_',
    note: 'kernels linear, poly, rbf, laplacian, sigmoid and cosine',
    lower: lowerPrincipal,
  },
]
