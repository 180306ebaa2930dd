import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { inverseBoxCox, inverseQuantileTransform, inverseYeoJohnson } from '../ops/inverses.ts'
import type { Estimator } from './estimator.ts'
import { type Family, type Lower, once } from './lowering.ts'
import { applyFunction, applySteps, inverseSteps, quantileColumns } from './scaling.ts'

/** What `transformer_.inverse_transform` does to predictions. @throws ModelError for transformers without an inverse */
function inverse(estimator: Estimator, y: Ref, graph: Graph): Ref {
  const linear = inverseSteps(estimator)
  if (linear !== undefined) return applySteps(graph, y, linear)
  switch (estimator.name) {
    case 'sklearn.preprocessing.FunctionTransformer':
      return applyFunction(graph, y, { estimator, func: 'inverse_func', options: 'inv_kw_args' })
    case 'sklearn.preprocessing.QuantileTransformer':
      return graph.add(inverseQuantileTransform, [y], {
        quantiles: quantileColumns(estimator),
        references: estimator.numbers('references_'),
        normal: estimator.text('output_distribution') === 'normal',
      })
    case 'sklearn.preprocessing.PowerTransformer': {
      const op = estimator.text('method') === 'box-cox' ? inverseBoxCox : inverseYeoJohnson
      const scaler = estimator.flag('standardize', true)
        ? estimator.child(estimator.get('_scaler'), '_scaler')
        : undefined
      const unscaled = scaler === undefined ? y : applySteps(graph, y, inverseSteps(scaler) ?? [])
      return graph.add(op, [unscaled], { lambdas: estimator.numbers('lambdas_') })
    }
    case 'sklearn.pipeline.Pipeline':
      return estimator
        .list('steps')
        .toReversed()
        .reduce<Ref>((node, step) => {
          const [name, value] = Array.isArray(step) ? step : []
          return value === 'passthrough' || value === null
            ? node
            : inverse(estimator.child(value, `step '${String(name)}'`), node, graph)
        }, y)
    default:
      throw estimator.error(
        'unsupported',
        `targets were transformed by ${estimator.name}`,
        'use a scaler, a quantile or power transformer, or numpy functions',
      )
  }
}

/** Regressor on a transformed target: predictions go back through the inverse. */
const lowerTransformedTarget: Lower = (estimator, x, context) => {
  const regressor = estimator.child(estimator.get('regressor_'), 'regressor')
  const lowered = context.lower(regressor, x)
  const predict = once(() => {
    const output = lowered.methods.predict?.()
    if (output === undefined) throw regressor.error('unsupported', `${regressor.name} does not predict`)
    const transformer = estimator.child(estimator.get('transformer_'), 'target transformer')
    return { ...output, dtype: 'float64', parts: [inverse(transformer, output.parts[0]!, context.graph)] }
  })
  return { methods: { predict } }
}

export const targetFamily: readonly Family[] = [
  {
    names: ['sklearn.compose.TransformedTargetRegressor'],
    fields: 'regressor_ transformer_',
    note: 'targets transformed by numpy functions, scalers, power and quantile transformers',
    lower: lowerTransformedTarget,
  },
]
