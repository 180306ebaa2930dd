import type { Cell } from '../ir/program.ts'
import { constant } from '../ops/links.ts'
import { cellsOf, dtypeName, numbersOf } from '../pickle/numpy.ts'
import { type Inert, NdArray } from '../pickle/values.ts'
import { labelled, matrix, vector } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { type Family, isAbsent, type Lower, once } from './lowering.ts'

/** Labels, class shares and the constant of one output. */
type Output = { readonly labels: readonly Cell[]; readonly dtype: string; readonly prior: Float64Array }

/** The same answer for every row: the most frequent class, or the constant that was asked for. */
const lowerClassifier: Lower = (estimator, x, { graph }) => {
  const strategy = estimator.text('_strategy', estimator.text('strategy'))
  if (!['prior', 'most_frequent', 'constant'].includes(strategy))
    throw estimator.error(
      'unsupported',
      `${estimator.name} answers at random (strategy ${JSON.stringify(strategy)})`,
      "use strategy 'prior' or 'most_frequent'",
    )
  const outputs = outputsOf(estimator)
  const chosen = outputs.map((output, k) =>
    strategy === 'constant' ? constantIndex(estimator, output, k) : firstLargest(output.prior),
  )
  const shares = outputs.map(({ prior }, k) =>
    strategy === 'prior' ? prior : prior.map((_, index) => (index === chosen[k] ? 1 : 0)),
  )
  const [only] = outputs
  const single = outputs.length === 1 && only !== undefined
  return {
    classes: outputs.map(({ labels }) => labels),
    methods: {
      predict: once(() => {
        const node = graph.add(constant, [x], { values: Float64Array.from(chosen) })
        if (single) return labelled(node, only)
        return { ...matrix(node, only?.dtype), labels: outputs.map(({ labels }) => labels) }
      }),
      predict_proba: once(() => {
        const parts = shares.map((values) => graph.add(constant, [x], { values }))
        return { parts, shape: single ? ('matrix' as const) : ('list' as const), dtype: 'float64' }
      }),
    },
  }
}

function outputsOf(estimator: Estimator): Output[] {
  const classes = estimator.get('classes_')
  const priors = estimator.get('class_prior_')
  if (!Array.isArray(classes) || !Array.isArray(priors)) return [outputOf(estimator, classes, priors)]
  return classes.map((labels, k) => outputOf(estimator, labels, priors[k] ?? null))
}

function outputOf(estimator: Estimator, labels: Inert, prior: Inert): Output {
  if (!(labels instanceof NdArray && prior instanceof NdArray && labels.length === prior.length))
    throw estimator.error('corrupt', `${estimator.name} has classes and priors that do not fit`)
  return { labels: cellsOf(labels), dtype: dtypeName(labels.dtype), prior: numbersOf(prior) }
}

/** `constant` is one label, or one per output. */
function constantIndex(estimator: Estimator, { labels }: Output, output: number): number {
  const value = estimator.get('constant')
  const wanted = value instanceof NdArray || Array.isArray(value) ? cellsOf(value).flat()[output] : value
  const index = labels.indexOf(wanted as Cell)
  if (index < 0) throw estimator.error('corrupt', `${estimator.name} answers a constant that is not a class`)
  return index
}

const firstLargest = (values: Float64Array): number => values.indexOf(Math.max(...values))

/** constant_ holds one number per output, whatever it was computed from. */
const lowerRegressor: Lower = (estimator, x, { graph }) => {
  const fitted = estimator.array('constant_')
  const values = numbersOf(fitted)
  const dtype = dtypeName(fitted.dtype)
  const flat = isAbsent(estimator.find('n_outputs_'))
    ? values.length === 1
    : estimator.number('n_outputs_') === 1
  return {
    methods: {
      predict: once(() => {
        const node = graph.add(constant, [x], { values })
        return flat ? vector(node, dtype) : matrix(node, dtype)
      }),
    },
  }
}

export const dummyFamily: readonly Family[] = [
  {
    names: ['sklearn.dummy.DummyClassifier'],
    fields: 'classes_ class_prior_ n_classes_ n_outputs_ output_2d_ sparse_output_',
    note: "strategies 'stratified' and 'uniform' answer at random and are refused",
    columns: 0,
    lower: lowerClassifier,
  },
  {
    names: ['sklearn.dummy.DummyRegressor'],
    fields: 'constant_ n_outputs_ output_2d_',
    columns: 0,
    lower: lowerRegressor,
  },
]
