import type { Ref } from '../ir/program.ts'
import { choose, nearestDonors } from '../ops/filling.ts'
import { impute, missing } from '../ops/imputing.ts'
import { constant } from '../ops/links.ts'
import { clip } from '../ops/scaling.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { InertObject, NdArray } from '../pickle/values.ts'
import { matrixOf } from './affine.ts'
import { numbersOfAnswer } from './answers.ts'
import type { Estimator } from './estimator.ts'
import { checkedInput, markerOf, withIndicator } from './imputing.ts'
import { type Family, type Lower, transformOf } from './lowering.ts'
import { transformer } from './scaling.ts'

/** Missing values from the nearest training rows that have them; columns that no training row had are left out, or 0. */
const lowerNearest: Lower = (imputer, x, context) => {
  const { graph } = context
  const input = checkedInput(imputer, graph.toNumbers(x), graph)
  const width = graph.width(input)
  const marker = markerOf(imputer, 'number')
  const rows =
    marker.is === 'nan'
      ? input
      : graph.add(impute, [input], { marker, fill: new Float64Array(width).fill(Number.NaN) })
  const mask = matrixOf(imputer, '_mask_fit_X').values
  const donors = matrixOf(imputer, '_fit_X').values.map((value, i) => (mask[i] === 1 ? Number.NaN : value))
  const means = Float64Array.from({ length: width }, (_, column) => {
    const own = donors.filter((value, i) => i % width === column && !Number.isNaN(value))
    return own.reduce((sum, value) => sum + value, 0) / own.length
  })
  const valid = Array.from(means.keys()).filter((column) => !Number.isNaN(means[column]))
  const weights = imputer.text('weights')
  if (weights !== 'uniform' && weights !== 'distance')
    throw imputer.error('unsupported', `${imputer.name} has the weights ${weights}, which we do not know`)
  const count = imputer.number('n_neighbors')
  const filled = graph.add(nearestDonors, [rows], { donors, means, count, weighted: weights === 'distance' })
  const zero = () => graph.add(constant, [rows], { values: new Float64Array(1) })
  const kept = imputer.flag('keep_empty_features', false)
    ? graph.concat(
        Array.from(means, (mean, column) => (Number.isNaN(mean) ? zero() : graph.select(filled, [column]))),
      )
    : graph.select(filled, valid)
  return transformer(graph, withIndicator(imputer, input, kept, context))
}

/** One step of the sequence: which column is predicted, from which others, by which estimator. */
type Step = { readonly column: number; readonly from: readonly number[]; readonly model: Estimator }

function stepsOf(imputer: Estimator): Step[] {
  return imputer.list('imputation_sequence_').map((value, i) => {
    const [column, from, model] = value instanceof InertObject ? value.args : []
    if (typeof column !== 'number' || !(from instanceof NdArray))
      throw imputer.error(
        'corrupt',
        `step ${i} of its imputation sequence is not a column and its neighbours`,
      )
    return { column, from: Array.from(numbersOf(from)), model: imputer.child(model, `imputation ${i}`) }
  })
}

/** Missing values filled at first by simple means, then predicted column by column from all others, round after round. */
const lowerIterative: Lower = (imputer, x, context) => {
  const { graph } = context
  if (imputer.flag('sample_posterior', false))
    throw imputer.error(
      'unsupported',
      `${imputer.name} draws at random`,
      'train it with sample_posterior=False',
    )
  const input = checkedInput(imputer, graph.toNumbers(x), graph)
  const initial = imputer.child(imputer.get('initial_imputer_'), 'initial_imputer_')
  const first = transformOf(context.lower(initial, input), initial)
  const known = initial.numbers('statistics_')
  const columns = Array.from(known.keys()).filter((column) => !Number.isNaN(known[column]))
  if (graph.width(first) !== columns.length)
    throw imputer.error('unsupported', `${imputer.name} keeps empty columns, which is not supported yet`)
  const mask = graph.add(missing, [graph.select(input, columns)], { marker: markerOf(imputer, 'number') })
  // one limit for all columns up to 0.22
  const limits = ['_min_value', '_max_value'].map((key) => {
    const limit = imputer.get(key)
    return typeof limit === 'number' ? known.map(() => limit) : imputer.numbers(key)
  })
  const current = columns.map((_, i) => graph.select(first, [i]))
  for (const { column, from, model } of stepsOf(imputer)) {
    const rows = graph.concat(from.map((other) => columnOf(imputer, current, other)))
    const answer = context.lower(model, rows).methods.predict?.()
    if (answer === undefined) throw model.error('unsupported', `${model.name} does not predict`)
    const [low, high] = limits.map((limit) => limit[column])
    const value = graph.add(clip, [numbersOfAnswer(graph, answer, model)], {
      low: low ?? Number.NEGATIVE_INFINITY,
      high: high ?? Number.POSITIVE_INFINITY,
    })
    const before = columnOf(imputer, current, column)
    current[column] = graph.add(choose, [graph.select(mask, [column]), value, before], {})
  }
  return transformer(graph, withIndicator(imputer, input, graph.concat(current), context))
}

function columnOf(imputer: Estimator, columns: readonly Ref[], column: number): Ref {
  const node = columns[column]
  if (node === undefined) throw imputer.error('corrupt', `its imputation sequence names column ${column}`)
  return node
}

export const modelImputingFamily: readonly Family[] = [
  {
    names: ['sklearn.impute.KNNImputer'],
    fields: 'indicator_',
    note: 'of equally near donors the first in training order counts',
    lower: lowerNearest,
  },
  {
    names: ['sklearn.impute.IterativeImputer'],
    fields: 'initial_imputer_ imputation_sequence_ n_iter_ n_features_with_missing_ random_state_ indicator_',
    note: 'without sample_posterior',
    lower: lowerIterative,
  },
]
