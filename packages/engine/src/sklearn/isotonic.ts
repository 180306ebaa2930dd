import type { Ref } from '../ir/program.ts'
import { interpolate } from '../ops/interpolate.ts'
import { constant, toFloat32 } from '../ops/links.ts'
import { dtypeOf, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { finiteNumbers } from './inputs.ts'
import { type Context, type Family, type Lower, once } from './lowering.ts'

/**
 * A fitted isotonic regression applied to a node of width 1. float32 thresholds round the row to float32 first.
 * Up to 0.23 the thresholds were called `_necessary_X_` and `_necessary_y_`.
 */
export function isotonicNode(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const thresholds = estimator.array('X_thresholds_', '_necessary_X_')
  const single = thresholds.dtype.kind === 'f' && thresholds.dtype.itemsize === 4
  const xs = estimator.numbers('X_thresholds_', '_necessary_X_')
  const ys = estimator.numbers('y_thresholds_', '_necessary_y_')
  const outside = estimator.text('out_of_bounds')
  if (outside !== 'nan' && outside !== 'clip' && outside !== 'raise')
    throw estimator.error(
      'unsupported',
      `${estimator.name} has out_of_bounds ${JSON.stringify(outside)}, which we do not know`,
    )
  const checked = finiteNumbers(graph, x)
  const value = single ? graph.add(toFloat32, [checked], {}) : checked
  if (ys.length === 1) return graph.add(constant, [value], { values: ys })
  const range = [estimator.number('X_min_'), estimator.number('X_max_')] as const
  return graph.add(interpolate, [value], { x: xs, y: ys, outside, range, single })
}

const lowerIsotonic: Lower = (estimator, x, context) => {
  const answer = once(() => {
    const node = isotonicNode(estimator, x, context)
    return vector(node, dtypeOf(context.graph, node))
  })
  return { methods: { predict: answer, transform: answer } }
}

export const isotonicFamily: readonly Family[] = [
  {
    names: ['sklearn.isotonic.IsotonicRegression'],
    fields: 'X_min_ X_max_ X_thresholds_ y_thresholds_ _necessary_X_ _necessary_y_ _X_ _y_ increasing_ f_',
    columns: 1,
    lower: lowerIsotonic,
  },
]
