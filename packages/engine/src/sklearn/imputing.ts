import type { Graph } from '../ir/graph.ts'
import type { Cell, Ref, ValueType } from '../ir/program.ts'
import { checkCells, impute, type Marker, missing, refuseMissing } from '../ops/imputing.ts'
import { DType, type Inert } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { type Context, type Family, isAbsent, type Lower, transformOf } from './lowering.ts'
import { checked, transformer } from './scaling.ts'
import { isVersion } from './version.ts'

const EARLY = 'sklearn.preprocessing.Imputer'

/** `missing_values`; the imputer of preprocessing, up to 0.21, calls NaN by its name. */
function missingValue(estimator: Estimator): Inert {
  const value = estimator.find('missing_values') ?? null
  return value === 'NaN' && estimator.name === EARLY ? Number.NaN : value
}

/** `missing_values`, as cells tell it; in numbers, which have no None, None is NaN. */
export function markerOf(estimator: Estimator, kind: ValueType['kind']): Marker {
  const value = missingValue(estimator)
  const none: Marker = { is: kind === 'cell' ? 'none' : 'nan', value: null }
  if (value === null) return none
  if (typeof value === 'number' && Number.isNaN(value)) return { is: 'nan', value: null }
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return { is: 'value', value }
  throw estimator.error(
    'unsupported',
    `${estimator.name} looks for missing values of a type we do not know`,
    'use numpy.nan or None',
  )
}

/** Whether the marker is a float NaN: only then may the other columns hold NaN. */
const looksForNaN = (estimator: Estimator): boolean => Number.isNaN(missingValue(estimator))

/** The input as check_array leaves it: NaN refused unless it is looked for, infinity in numbers only. */
export function checkedInput(estimator: Estimator, x: Ref, graph: Graph): Ref {
  const type = graph.type(x)
  const nan = looksForNaN(estimator) ? 'allow' : 'refuse'
  if (type.kind !== 'cell')
    return checked(graph, x, isAbsent(estimator.find('missing_values')) ? 'allow' : nan)
  if (nan === 'allow') return x
  return graph.add(checkCells, [x], {
    refuse: new Uint8Array(type.width).fill(1),
    message: 'contains NaN where the model knows None or another value as missing',
  })
}

/** Columns hold objects where the imputer was fitted on text, or was told to fill with text. */
function imputerInput(imputer: Estimator, x: Ref, graph: Graph): Ref {
  if (!['most_frequent', 'constant'].includes(imputer.text('strategy'))) return graph.toNumbers(x)
  const statistics = imputer.cells('statistics_')
  const texts = statistics.flatMap((cell, column) =>
    typeof cell === 'string' || cell === null ? [column] : [],
  )
  if (texts.length > 0) graph.toCells(graph.select(x, texts))
  const fitted = imputer.find('_fit_dtype')
  return fitted instanceof DType && fitted.kind !== 'O' ? graph.toNumbers(x) : x
}

const lowerSimpleImputer: Lower = (imputer, x, context) => {
  const { graph } = context
  const input = checkedInput(imputer, imputerInput(imputer, x, graph), graph)
  const { kind } = graph.type(input)
  const statistics = imputer.cells('statistics_')
  const constant = imputer.text('strategy') === 'constant' && !isVersion(imputer, 1, 8)
  const keepsAll = constant || imputer.flag('keep_empty_features', false)
  const columns = Array.from(statistics.keys()).filter(
    (column) => keepsAll || !Number.isNaN(statistics[column]),
  )
  const fill = columns.map((column) => statistics[column]!)
  const imputed = graph.add(impute, [graph.select(input, columns)], {
    marker: markerOf(imputer, kind),
    fill: kind === 'number' ? Float64Array.from(fill, Number) : objectFill(imputer, fill),
  })
  return transformer(graph, withIndicator(imputer, input, imputed, context))
}

/** The imputed columns, and after them those of `indicator_` where there is one. */
export function withIndicator(imputer: Estimator, input: Ref, imputed: Ref, context: Context): Ref {
  const indicator = imputer.find('indicator_')
  if (isAbsent(indicator)) return imputed
  const child = imputer.child(indicator, 'indicator')
  return context.graph.concat([imputed, transformOf(context.lower(child, input), child)])
}

function objectFill(imputer: Estimator, fill: readonly Cell[]): readonly Cell[] {
  if (fill.some(Number.isNaN))
    throw imputer.error('unsupported', `${imputer.name} fills text columns with NaN`)
  return fill
}

/** The imputer of preprocessing checks nothing: other missing values, and infinity, pass. */
const lowerEarly: Lower = (imputer, x, { graph }) => {
  if (imputer.number('axis') !== 0)
    throw imputer.error('unsupported', `${imputer.name} fills along rows`, 'train it with axis=0')
  const statistics = imputer.numbers('statistics_')
  const columns = Array.from(statistics.keys()).filter((column) => !Number.isNaN(statistics[column]))
  const imputed = graph.add(impute, [graph.select(graph.toNumbers(x), columns)], {
    marker: markerOf(imputer, 'number'),
    fill: Float64Array.from(columns, (column) => statistics[column]!),
  })
  return transformer(graph, imputed)
}

/** 1 where missing, for the columns that had missing values in training, or for all. */
const lowerIndicator: Lower = (indicator, x, { graph }) => {
  const input = checkedInput(indicator, x, graph)
  const mask = graph.add(missing, [input], { marker: markerOf(indicator, graph.type(input).kind) })
  const columns = Array.from(indicator.numbers('features_'))
  const strict = indicator.text('features') === 'missing-only' && indicator.flag('error_on_new', true)
  const known = new Set(columns)
  const allowed = Uint8Array.from({ length: graph.width(mask) }, (_, column) => (known.has(column) ? 1 : 0))
  const accepted = strict ? graph.add(refuseMissing, [mask], { allowed }) : mask
  return transformer(graph, graph.select(accepted, columns), { dtype: 'bool' })
}

export const imputingFamily: readonly Family[] = [
  { names: [EARLY], fields: 'statistics_', note: 'axis=0', lower: lowerEarly },
  {
    names: ['sklearn.impute.SimpleImputer'],
    fields: 'statistics_ indicator_',
    lower: lowerSimpleImputer,
  },
  { names: ['sklearn.impute.MissingIndicator'], fields: 'features_', lower: lowerIndicator },
]
