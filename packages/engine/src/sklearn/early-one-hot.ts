import { assertColumnCount } from '../bytes/limits.ts'
import type { Graph } from '../ir/graph.ts'
import type { Ref } from '../ir/program.ts'
import { categoryIndex, oneHot } from '../ops/encoding.ts'
import { numpyFunction } from '../ops/functions.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import { checked } from './scaling.ts'

/** One-hot encoders up to 0.21 could work as before 0.20: by the numbers 0 … n − 1 instead of categories. */
export const isEarlyOneHot = (encoder: Estimator): boolean =>
  encoder.flag('_legacy_mode', false) || !encoder.has('categories_')

/**
 * The chosen columns one-hot, cut down to what training saw unless the number of values was given, then the others. A value
 * of training's range that it never saw is no category and no error.
 */
export function earlyOneHot(encoder: Estimator, x: Ref, graph: Graph): Ref {
  const chosen = chosenColumns(encoder, graph.width(x))
  const sizes = encoder.numbers('_n_values_', 'n_values_')
  const starts = encoder.numbers('_feature_indices_', 'feature_indices_')
  if (sizes.length !== chosen.length || starts.length !== chosen.length + 1)
    throw encoder.error('corrupt', `${encoder.name} was fitted on ${sizes.length} columns of categories`)
  const total = sizes.reduce((sum, size) => sum + Math.abs(Math.ceil(size)), 0)
  assertColumnCount(total)
  if (starts.at(-1) !== total)
    throw encoder.error('corrupt', `${encoder.name} has ${total} values and places for ${starts.at(-1)}`)
  const seen = ['_active_features_', 'active_features_'].find((key) => encoder.has(key))
  const kept = seen === undefined ? Array.from({ length: total }, (_, i) => i) : encoder.numbers(seen)
  const slotOf = new Map(Array.from(kept, (place, slot) => [place, slot]))
  const values = graph.add(numpyFunction, [checked(graph, graph.select(x, chosen), 'refuse')], {
    name: 'trunc',
  })
  const indices = graph.add(categoryIndex, [values], {
    categories: Array.from(sizes, (size) => Float64Array.from({ length: size }, (_, value) => value)),
    nan: new Int32Array(chosen.length).fill(-1),
    refuse: new Uint8Array(chosen.length).fill(encoder.text('handle_unknown') === 'error' ? 1 : 0),
    finite: new Uint8Array(chosen.length).fill(1),
  })
  const slots = Array.from(sizes, (size, column) =>
    Int32Array.from({ length: size + 1 }, (_, i) =>
      i === 0 ? -1 : (slotOf.get(starts[column]! + i - 1) ?? -1),
    ),
  )
  const encoded = graph.add(oneHot, [indices], { slots, width: kept.length, single: false })
  const others = Array.from({ length: graph.width(x) }, (_, column) => column).filter(
    (column) => !chosen.includes(column),
  )
  return others.length === 0
    ? encoded
    : graph.concat([encoded, checked(graph, graph.select(x, others), 'refuse')])
}

/** `categorical_features`: all, a mask, or indices. */
function chosenColumns(encoder: Estimator, width: number): number[] {
  const stated = encoder.find('_categorical_features') ?? encoder.find('categorical_features') ?? 'all'
  const all = Array.from({ length: width }, (_, column) => column)
  if (stated === 'all') return all
  const values = stated instanceof NdArray ? Array.from(numbersOf(stated)) : stated
  const isMask = stated instanceof NdArray && stated.dtype.kind === 'b'
  if (
    !Array.isArray(values) ||
    !values.every((value) => typeof value === 'number' || typeof value === 'boolean')
  )
    throw encoder.error('corrupt', `${encoder.name} does not say which columns it encodes`)
  const masked = isMask || values.some((value) => typeof value === 'boolean')
  const chosen = masked ? all.filter((column) => Boolean(values[column])) : values.map(Number)
  if (chosen.every((column) => column < width)) return chosen.sort((a, b) => a - b)
  throw encoder.error(
    'unsupported',
    `${encoder.name} encodes some of its columns and does not say how many there are`,
    'put it behind a step that does, or use a ColumnTransformer',
  )
}
