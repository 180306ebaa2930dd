import type { Ref } from '../ir/program.ts'
import { forwardSubstitution, gaussianLogistic, squareSums } from '../ops/densities.ts'
import { average, binaryProba, threshold } from '../ops/links.ts'
import { linear } from '../ops/matmul.ts'
import { arithmetic } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import { matrixOf } from './affine.ts'
import { classesOf, labelled, matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { processKernel } from './gaussian-process-kernels.ts'
import { finiteNumbers } from './inputs.ts'
import { pointsOf } from './kernels.ts'
import { type Family, type Lower, once } from './lowering.ts'

/** A number, or an array of them. */
function numbersAt(estimator: Estimator, key: string): Float64Array {
  const value = estimator.get(key)
  return value instanceof NdArray ? numbersOf(value) : Float64Array.of(estimator.number(key))
}

/** Mean of the process: k(x, training rows) · alpha, scaled back to the targets. */
const lowerRegressor: Lower = (estimator, x, { graph }) => ({
  methods: {
    predict: once(() => {
      const points = pointsOf(estimator, 'X_train_')
      const kernel = processKernel(estimator.child(estimator.get('kernel_'), 'kernel_'))
      const alpha = estimator.array('alpha_')
      const outputs = alpha.shape[1] ?? 1
      const values = numbersOf(alpha)
      if (values.length !== points.count * outputs)
        throw estimator.error(
          'corrupt',
          `${estimator.name} has ${values.length} weights for ${points.count} rows`,
        )
      const weights = Float64Array.from(
        values,
        (_, i) => values[(i % points.count) * outputs + Math.floor(i / points.count)]!,
      )
      const rows = finiteNumbers(graph, x)
      const attrs = { weights, bias: new Float64Array(outputs), single: false }
      const mean = graph.add(linear, [kernel.between(graph, rows, points)], attrs)
      const [scale, shift] = ['_y_train_std', '_y_train_mean'].map((key) => {
        const own = estimator.has(key)
          ? numbersAt(estimator, key)
          : Float64Array.of(key === '_y_train_std' ? 1 : 0)
        return own.length === outputs ? own : new Float64Array(outputs).fill(own[0]!)
      })
      const steps = [
        { by: 'multiply', values: scale! },
        { by: 'add', values: shift! },
      ] as const
      const node = graph.add(arithmetic, [mean], { steps, single: false })
      return outputs === 1 ? vector(node) : matrix(node)
    }),
  },
})

/** Laplace approximation of two classes: f = k · (y − π), its variance k(x, x) − |L⁻¹ (√W k)|². */
const lowerBinary: Lower = (estimator, x, { graph }) => {
  const classes = classesOf(estimator)
  const kernel = processKernel(estimator.child(estimator.get('kernel_'), 'kernel_'))
  const points = pointsOf(estimator, 'X_train_')
  const rows = once(() => finiteNumbers(graph, x))
  const between = once(() => kernel.between(graph, rows(), points))
  const mean = once(() => {
    const shares = estimator.numbers('pi_')
    const weights = estimator.numbers('y_train_').map((y, i) => y - shares[i]!)
    return graph.add(linear, [between()], { weights, bias: new Float64Array(1), single: false })
  })
  const variance = (): Ref => {
    const values = estimator.numbers('W_sr_')
    const scaled = graph.add(arithmetic, [between()], { steps: [{ by: 'multiply', values }], single: false })
    const lower = matrixOf(estimator, 'L_').values
    const solved = graph.add(forwardSubstitution, [scaled], { lower })
    const explained = graph.add(squareSums, [solved], { size: points.count })
    const attrs = { weights: Float64Array.of(1, -1), divide: 1 }
    return graph.add(average, [kernel.self(graph, rows()), explained], attrs)
  }
  return {
    classes: [classes.labels],
    methods: {
      predict: once(() =>
        labelled(graph.add(threshold, [mean()], { threshold: 0, inclusive: false }), classes),
      ),
      predict_proba: once(() => {
        const share = graph.add(gaussianLogistic, [graph.concat([mean(), variance()])], {})
        return matrix(graph.add(binaryProba, [share], {}))
      }),
    },
  }
}

/** One process, or several behind one-versus-rest or one-versus-one, which have no probabilities. */
const lowerClassifier: Lower = (estimator, x, context) => {
  const lowered = context.lower(estimator.child(estimator.get('base_estimator_'), 'base_estimator_'), x)
  const { predict, predict_proba } = lowered.methods
  return {
    classes: [classesOf(estimator).labels],
    methods: { ...(predict && { predict }), ...(predict_proba && { predict_proba }) },
  }
}

const KERNELS =
  'kernels RBF, Matern (nu 0.5, 1.5, 2.5, inf), RationalQuadratic, ExpSineSquared, DotProduct, Constant, White, their sums, products and powers'

export const gaussianProcessFamily: readonly Family[] = [
  {
    names: ['sklearn.gaussian_process.GaussianProcessRegressor'],
    fields: 'kernel_ X_train_ y_train_ L_ alpha_ log_marginal_likelihood_value_',
    note: `the mean, without deviations; ${KERNELS}`,
    lower: lowerRegressor,
  },
  {
    names: ['sklearn.gaussian_process.GaussianProcessClassifier'],
    fields: 'base_estimator_ classes_ n_classes_ log_marginal_likelihood_value_ kernel_',
    note: KERNELS,
    lower: lowerClassifier,
  },
  {
    names: ['sklearn.gaussian_process._BinaryGaussianProcessClassifierLaplace'],
    fields: 'kernel_ X_train_ y_train_ classes_ pi_ W_sr_ L_ log_marginal_likelihood_value_',
    lower: lowerBinary,
  },
]
