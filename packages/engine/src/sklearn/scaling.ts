import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { check } from '../ops/checks.ts'
import { numpyFunction } from '../ops/functions.ts'
import {
  arithmetic,
  binarize,
  boxCox,
  clip,
  normalize,
  quantileTransform,
  yeoJohnson,
} from '../ops/scaling.ts'
import { sparseBinarize, sparseCheck, sparseNormalize, sparseScale } from '../ops/sparse.ts'
import { GlobalRef, type Inert, InertObject } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { type Family, isAbsent, type Lower, type Lowered } from './lowering.ts'
import { isBefore } from './version.ts'

/** What check_array of an estimator refuses besides text. */
export function checked(graph: Graph, x: Ref, nan: 'allow' | 'refuse'): Ref {
  return graph.add(check, [graph.toNumbers(x)], { nan, inf: 'refuse', limit: 'f64' })
}

/** The same that leaves sparse rows sparse. */
export const checkedRows = (graph: Graph, x: Ref, nan: 'allow' | 'refuse'): Ref =>
  graph.type(x).kind === 'sparse' ? graph.add(sparseCheck, [x], { nan }) : checked(graph, x, nan)

type Shown = {
  readonly dtype?: string
  readonly shape?: 'vector'
  readonly columnNames?: readonly string[] | undefined
}

/** A transformer of one node. `dtype` is what the library's array says, by default the node's. */
export function transformer(graph: Graph, ref: Ref, shown: Shown = {}): Lowered {
  const type = graph.type(ref)
  const dtype = type.kind === 'cell' ? 'object' : type.dtype === 'f32' ? 'float32' : 'float64'
  const output = { parts: [ref], shape: shown.shape ?? ('matrix' as const), dtype: shown.dtype ?? dtype }
  return {
    methods: { transform: () => output },
    ...(shown.columnNames && { columnNames: shown.columnNames }),
  }
}

type Steps = Parameters<typeof arithmetic.infer>[0]['steps']
type Step = Steps[number]

/** Constant rows applied one after the other, in the precision of the row. */
export function applySteps(graph: Graph, x: Ref, steps: Steps): Ref {
  const type = graph.type(x)
  if (steps.length === 0) return x
  if (type.kind === 'sparse') return scaleSparse(graph, x, steps)
  return graph.add(arithmetic, [x], { steps, single: type.kind === 'number' && type.dtype === 'f32' })
}

/** Zeros stay zeros while rows are only multiplied and divided. */
function scaleSparse(graph: Graph, x: Ref, steps: Steps): Ref {
  if (steps.some(({ by }) => by === 'add' || by === 'subtract'))
    return applySteps(graph, graph.toNumbers(x), steps)
  const type = graph.type(x)
  const single = type.kind === 'sparse' && type.dtype === 'f32'
  return steps.reduce(
    (rows, { by, values }) =>
      graph.add(sparseScale, [rows], { by: by === 'divide' ? by : 'multiply', values, single }),
    x,
  )
}

/** Forward steps of the scalers that are plain arithmetic, read from their fitted attributes. */
const LINEAR: Readonly<Record<string, (scaler: Estimator) => Step[]>> = {
  'sklearn.preprocessing.StandardScaler': (scaler) => [
    ...(scaler.flag('with_mean', true) ? [step('subtract', scaler, 'mean_')] : []),
    ...(scaler.flag('with_std', true) ? [step('divide', scaler, 'scale_')] : []),
  ],
  'sklearn.preprocessing.RobustScaler': (scaler) => [
    ...(scaler.flag('with_centering', true) ? [step('subtract', scaler, 'center_')] : []),
    ...(scaler.flag('with_scaling', true) ? [step('divide', scaler, 'scale_')] : []),
  ],
  'sklearn.preprocessing.MaxAbsScaler': (scaler) => [step('divide', scaler, 'scale_')],
  'sklearn.preprocessing.MinMaxScaler': (scaler) => [
    step('multiply', scaler, 'scale_'),
    step('add', scaler, 'min_'),
  ],
}

const step = (by: Step['by'], scaler: Estimator, attribute: string): Step => ({
  by,
  values: scaler.numbers(attribute),
})

const UNDONE: Readonly<Record<Step['by'], Step['by']>> = {
  add: 'subtract',
  subtract: 'add',
  multiply: 'divide',
  divide: 'multiply',
}

/** Steps that undo a scaler, for targets that were scaled; undefined when it is not one of the linear scalers. */
export function inverseSteps(scaler: Estimator): Step[] | undefined {
  const forward = Object.hasOwn(LINEAR, scaler.name) ? LINEAR[scaler.name]!(scaler) : undefined
  return forward?.toReversed().map(({ by, values }) => ({ by: UNDONE[by], values }))
}

const lowerLinear: Lower = (scaler, x, { graph }) =>
  transformer(graph, applySteps(graph, checkedRows(graph, x, 'allow'), LINEAR[scaler.name]!(scaler)))

/** Scaled to a range, and cut off at its ends where the scaler says so. */
const lowerRange =
  (rangeOf: (scaler: Estimator) => readonly [number, number]): Lower =>
  (scaler, x, { graph }) => {
    const scaled = applySteps(graph, checkedRows(graph, x, 'allow'), LINEAR[scaler.name]!(scaler))
    if (!scaler.flag('clip', false)) return transformer(graph, scaled)
    const [low, high] = rangeOf(scaler)
    return transformer(graph, graph.add(clip, [graph.toNumbers(scaled)], { low, high }))
  }

function featureRange(scaler: Estimator): [number, number] {
  const [low, high] = scaler.cells('feature_range')
  return [Number(low), Number(high)]
}

const lowerNormalizer: Lower = (scaler, x, { graph }) => {
  const norm = scaler.text('norm', 'l2')
  const rows = checkedRows(graph, x, 'refuse')
  if (graph.type(rows).kind === 'sparse')
    return transformer(graph, graph.add(sparseNormalize, [rows], { norm }))
  const least = isBefore(scaler, 1, 0) ? Number.MIN_VALUE : 10 * Number.EPSILON
  return transformer(graph, graph.add(normalize, [rows], { norm, least }))
}

const lowerBinarizer: Lower = (scaler, x, { graph }) => {
  const threshold = scaler.number('threshold')
  const rows = checkedRows(graph, x, 'refuse')
  const op = graph.type(rows).kind === 'sparse' ? sparseBinarize : binarize
  return transformer(graph, graph.add(op, [rows], { threshold }))
}

const lowerPower: Lower = (power, x, { graph, lower }) => {
  const op = power.text('method') === 'box-cox' ? boxCox : yeoJohnson
  const transformed = graph.add(op, [checked(graph, x, 'allow')], { lambdas: power.numbers('lambdas_') })
  return power.flag('standardize', true)
    ? lower(power.child(power.get('_scaler'), '_scaler'), transformed)
    : transformer(graph, transformed)
}

const lowerQuantile: Lower = (quantile, x, { graph }) => {
  if (graph.type(x).kind === 'sparse')
    throw quantile.error('unsupported', `${quantile.name} of sparse columns is not supported yet`)
  return transformer(
    graph,
    graph.add(quantileTransform, [checked(graph, x, 'allow')], {
      quantiles: quantileColumns(quantile),
      references: quantile.numbers('references_'),
      normal: quantile.text('output_distribution') === 'normal',
      near: quantile.text('output_distribution') === 'normal' || isBefore(quantile, 0, 22),
    }),
  )
}

/** `quantiles_` is [quantile, feature]; one array per feature. */
export function quantileColumns(quantile: Estimator): Float64Array[] {
  const [rows = 0, width = 0] = quantile.array('quantiles_').shape
  const values = quantile.numbers('quantiles_')
  const columns = Array.from({ length: width }, (_, column) =>
    Float64Array.from({ length: rows }, (_, row) => values[row * width + column]!),
  )
  if (columns.some((column) => column.some((value, i) => i > 0 && value < column[i - 1]!)))
    throw quantile.error(
      'unsupported',
      `${quantile.name} has quantiles that do not ascend, by a rounding fault of scikit-learn before 0.22: what numpy makes of them depends on the rows that come with a row`,
      'fit it with a newer scikit-learn',
    )
  return columns
}

const lowerFunction: Lower = (estimator, x, { graph, columnNames }) => {
  const validated = estimator.flag('validate', false) ? checked(graph, x, 'refuse') : x
  const applied = applyFunction(graph, validated, { estimator, func: 'func', options: 'kw_args' })
  return transformer(graph, applied, { columnNames })
}

/**
 * A function attribute of an estimator, applied to every element: numpy's own functions only; None is the identity.
 * @throws ModelError naming the function when it is not one of numpy's we know
 */
export function applyFunction(
  graph: Graph,
  x: Ref,
  source: { estimator: Estimator; func: string; options?: string },
): Ref {
  const { estimator, func, options } = source
  const value = estimator.find(func)
  if (isAbsent(value)) return x
  const name = numpyName(value)
  const given = options === undefined ? null : estimator.find(options)
  const plain = isAbsent(given) || (given instanceof Map && given.size === 0)
  if (name === undefined || !plain) throw functionRefused(estimator, value)
  try {
    return graph.add(numpyFunction, [graph.toNumbers(x)], { name })
  } catch (error) {
    if (error instanceof RangeError) throw functionRefused(estimator, value)
    throw error
  }
}

function functionRefused(estimator: Estimator, value: Inert): Error {
  const name = value instanceof GlobalRef ? value.qualified : 'something that is not a named function'
  return estimator.error(
    'unsupported',
    `${estimator.name} calls ${name}${isForeign(name) ? ', a function of your own whose code is not in the file' : ''}`,
    'use a numpy function of one argument (log1p, sqrt …), or a scikit-learn transformer',
  )
}

const isForeign = (name: string): boolean =>
  /^[\w.]+$/.test(name) && !/^(numpy|scipy|sklearn|builtins|functools)\b/.test(name)

/** The name of a pickled numpy function: by reference, or through `numpy.core._ufunc_reconstruct(module, name)`. */
function numpyName(value: Inert): string | undefined {
  if (value instanceof GlobalRef) return value.module.split('.')[0] === 'numpy' ? value.name : undefined
  if (!(value instanceof InertObject) || value.cls.name !== '_ufunc_reconstruct') return undefined
  const [module, name] = value.args
  return typeof module === 'string' && module.startsWith('numpy') && typeof name === 'string'
    ? name
    : undefined
}

const preprocessing = (...names: string[]) => names.map((name) => `sklearn.preprocessing.${name}`)

export const scalingFamily: readonly Family[] = [
  {
    names: preprocessing('StandardScaler', 'RobustScaler'),
    fields: 'mean_ var_ scale_ center_ n_samples_seen_',
    lower: lowerLinear,
  },
  {
    names: preprocessing('MaxAbsScaler'),
    fields: 'scale_ max_abs_ n_samples_seen_',
    lower: lowerRange(() => [-1, 1]),
  },
  {
    names: preprocessing('MinMaxScaler'),
    fields: 'min_ scale_ data_min_ data_max_ data_range_ n_samples_seen_',
    lower: lowerRange(featureRange),
  },
  { names: preprocessing('Normalizer'), fields: '', lower: lowerNormalizer },
  { names: preprocessing('Binarizer'), fields: '', lower: lowerBinarizer },
  { names: preprocessing('PowerTransformer'), fields: 'lambdas_', lower: lowerPower },
  {
    names: preprocessing('QuantileTransformer'),
    fields: 'n_quantiles_ quantiles_ references_',
    lower: lowerQuantile,
  },
  {
    names: preprocessing('FunctionTransformer'),
    fields: '',
    note: 'numpy functions of one argument',
    lower: lowerFunction,
  },
]
