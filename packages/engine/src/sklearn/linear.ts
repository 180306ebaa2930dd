import type { Ref } from '../ir/program.ts'
import { exp } from '../ops/links.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { dtypeOf, matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteRows, linearOf } from './inputs.ts'
import { type Context, type Family, type Lower, type Lowered, once } from './lowering.ts'

type LinearModel = {
  /** outputs × columns, row-major. */
  readonly weights: Float64Array
  readonly bias: Float64Array
  /** coef_ has one dimension: a single output, answered as a vector. */
  readonly flat: boolean
  /** Coefficients are float32. */
  readonly single: boolean
}

/** coef_ and intercept_ (or what takes its place). @throws ModelError unsupported for sparse coefficients */
export function linearModelOf(estimator: Estimator, intercept = 'intercept_'): LinearModel {
  if (estimator.find('coef_') instanceof InertObject)
    throw estimator.error(
      'unsupported',
      `${estimator.name} has sparse coefficients`,
      'call densify() before saving it',
    )
  const coef = estimator.array('coef_')
  const flat = coef.shape.length < 2
  const outputs = flat ? 1 : coef.shape[0]!
  return {
    weights: numbersOf(coef),
    bias: interceptOf(estimator, intercept, outputs),
    flat,
    single: coef.dtype.kind === 'f' && coef.dtype.itemsize === 4,
  }
}

function interceptOf(estimator: Estimator, key: string, outputs: number): Float64Array {
  const value = estimator.get(key)
  const bias = value instanceof NdArray ? numbersOf(value) : Float64Array.of(estimator.number(key))
  return bias.length === 1 ? new Float64Array(outputs).fill(bias[0]!) : bias
}

/** X · coefᵀ + intercept of checked rows; in float32 only where both sides are. */
export function linearNode(model: LinearModel, x: Ref, { graph }: Context): Ref {
  const rows = finiteRows(graph, x)
  const type = graph.type(rows)
  const single = model.single && type.kind !== 'cell' && type.dtype === 'f32'
  return linearOf(graph, rows, { weights: model.weights, bias: model.bias, single })
}

const lowerRegressor: Lower = (estimator, x, context) => regressor(estimator, x, context, (scores) => scores)

/** Generalised linear models: the mean is exp(X · coef + intercept), or the score itself with the identity link. */
const lowerGeneralised: Lower = (estimator, x, context) =>
  regressor(estimator, x, context, (scores) =>
    hasLogLink(estimator) ? context.graph.add(exp, [scores], {}) : scores,
  )

function regressor(estimator: Estimator, x: Ref, context: Context, link: (scores: Ref) => Ref): Lowered {
  const model = linearModelOf(estimator)
  const { graph } = context
  return {
    methods: {
      predict: once(() => {
        const scores = linearNode(model, x, context)
        const dtype = dtypeOf(graph, scores)
        return model.flat ? vector(link(scores), dtype) : matrix(link(scores), dtype)
      }),
    },
  }
}

/** `TweedieRegressor(link='auto')` is the identity up to power 0 and the logarithm above. */
function hasLogLink(estimator: Estimator): boolean {
  if (!estimator.name.endsWith('.TweedieRegressor')) return true
  const link = estimator.text('link', 'auto')
  if (link === 'auto') return estimator.number('power') > 0
  if (link === 'log' || link === 'identity') return link === 'log'
  throw estimator.error(
    'unsupported',
    `${estimator.name} has the link ${JSON.stringify(link)}, which we do not know`,
  )
}

const lowerRansac: Lower = (estimator, x, context) =>
  context.lower(estimator.child(estimator.get('estimator_'), 'estimator'), x)

const inModule = (module: string, names: string): string[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => `sklearn.${module}.${name}`)

export const linearFamily: readonly Family[] = [
  {
    names: [
      ...inModule(
        'linear_model',
        `LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV MultiTaskLasso MultiTaskLassoCV
        MultiTaskElasticNet MultiTaskElasticNetCV Lars LarsCV LassoLars LassoLarsCV LassoLarsIC
        OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV BayesianRidge ARDRegression HuberRegressor
        TheilSenRegressor QuantileRegressor SGDRegressor PassiveAggressiveRegressor`,
      ),
      'sklearn.svm.LinearSVR',
    ],
    fields: `coef_ intercept_ n_iter_ rank_ singular_ residues_ alpha_ alphas_ active_ coef_path_ dual_gap_ dual_gaps_
      eps_ mse_path_ l1_ratio_ best_score_ cv_values_ cv_results_ solver_ lambda_ sigma_ scores_ X_offset_ X_scale_
      scale_ outliers_ breakdown_ n_subpopulation_ n_nonzero_coefs_ cv_alphas_ criterion_ noise_variance_ t_
      standard_coef_ standard_intercept_ average_coef_ average_intercept_ loss_function_ _loss_function_`,
    lower: lowerRegressor,
  },
  {
    names: inModule('linear_model', 'PoissonRegressor GammaRegressor TweedieRegressor'),
    fields: 'coef_ intercept_ n_iter_',
    lower: lowerGeneralised,
  },
  {
    names: inModule('linear_model', 'RANSACRegressor'),
    fields: `estimator_ n_trials_ inlier_mask_ n_skips_no_inliers_ n_skips_invalid_data_ n_skips_invalid_model_`,
    lower: lowerRansac,
  },
]
