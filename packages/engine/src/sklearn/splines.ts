import { splineBasis } from '../ops/splines.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import { finiteNumbers } from './inputs.ts'
import type { Family, Lower } from './lowering.ts'
import { transformer } from './scaling.ts'

const OUTSIDE = ['continue', 'error', 'constant', 'linear', 'periodic'] as const

/** A pickled spline; newer versions of scipy write one inside another, with what it extends beside it. */
function splineState(value: Inert): ReadonlyMap<Inert, Inert> | undefined {
  if (!(value instanceof InertObject)) return undefined
  if (value.state instanceof Map) return value.state
  const [inner] = Array.isArray(value.state) ? value.state : []
  return inner instanceof InertObject && inner.state instanceof Map ? inner.state : undefined
}

const lowerSplines: Lower = (estimator, x, { graph }) => {
  const splines = estimator.list('bsplines_').map((value) => {
    const state = splineState(value)
    // some versions of scipy call the arrays _t and _c
    const [knots, coefficients, degree] = ['t', 'c', 'k'].map(
      (key) => state?.get(key) ?? state?.get(`_${key}`),
    )
    if (!(knots instanceof NdArray && coefficients instanceof NdArray && typeof degree === 'number'))
      throw estimator.error('corrupt', `${estimator.name}.bsplines_ holds something that is no spline`)
    return {
      knots: numbersOf(knots),
      coefficients: numbersOf(coefficients),
      outputs: coefficients.shape[1] ?? 1,
      degree,
    }
  })
  const [first] = splines
  if (first === undefined) throw estimator.error('corrupt', `${estimator.name} has no splines`)
  const { outputs, degree } = first
  const outside = OUTSIDE.find((name) => name === estimator.text('extrapolation'))
  if (outside === undefined || (outside === 'linear' && degree < 2 && splines.length > 1))
    throw estimator.error(
      'unsupported',
      `${estimator.name} extrapolates ${estimator.text('extrapolation')} with degree ${degree}, which is not supported`,
      "use extrapolation='constant', or splines of degree 2 or 3",
    )
  const all = graph.add(splineBasis, [finiteNumbers(graph, x)], {
    degree,
    outputs,
    outside,
    knots: splines.map((spline) => spline.knots),
    coefficients: splines.map((spline) => spline.coefficients),
  })
  const kept = Array.from({ length: graph.width(all) }, (_, i) => i).filter((i) => (i + 1) % outputs !== 0)
  return transformer(graph, estimator.flag('include_bias', true) ? all : graph.select(all, kept))
}

export const splineFamily: readonly Family[] = [
  {
    names: ['sklearn.preprocessing.SplineTransformer'],
    fields: 'bsplines_ n_features_out_ n_splines_',
    lower: lowerSplines,
  },
]
