import { cellsOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'

/**
 * Attributes that tell how many columns an estimator was fitted on, where `n_features_in_` (from 0.24) is missing, and
 * the axis of the array that has one entry per column. The first that is there counts.
 */
const WITNESSES: readonly (readonly [attribute: string, axis: number])[] = [
  ['location_', 0],
  ['shape_fit_', 1],
  ['support_', 0],
  ['n_input_features_', 0],
  ['n_features_', 0],
  ['_n_features', 0],
  ['x_weights_', 0],
  ['coefs_', 0],
  ['coef_', -1],
  ['_fit_X', 1],
  ['X_train_', 1],
  ['X_fit_', 1],
  ['base_X_train_', 1],
  ['cluster_centers_', 1],
  ['centroids_', 1],
  ['theta_', 1],
  ['feature_log_prob_', -1],
  ['means_', 1],
  ['components_', 1],
  ['random_weights_', 0],
  ['mean_', 0],
  ['scale_', 0],
  ['center_', 0],
  ['statistics_', 0],
  ['initial_imputer_', 0],
  ['lambdas_', 0],
  ['quantiles_', 1],
  ['n_bins_', 0],
  ['variances_', 0],
  ['scores_', 0],
  ['_n_values_', 0],
  ['n_values_', 0],
  ['categories_', 0],
  ['tree_', 1],
]

/** Names of the columns an estimator was fitted on. Column transformers kept them under other names before 1.0. */
export function fittedNames(estimator: Estimator): string[] | undefined {
  for (const key of ['feature_names_in_', '_feature_names_in', '_df_columns']) {
    const names = namesIn(estimator.find(key))
    if (names !== undefined) return names
  }
  return undefined
}

/** Of an array, or of the pandas index made of one. */
function namesIn(value: Inert | undefined): string[] | undefined {
  if (value instanceof NdArray) return cellsOf(value).map(String)
  if (!(value instanceof InertObject && value.cls.name === '_new_Index')) return undefined
  const [, parts] = value.args
  return parts instanceof Map ? namesIn(parts.get('data')) : undefined
}

/** How many columns an estimator reads, as far as its fitted attributes tell. */
export function fittedWidth(estimator: Estimator): number | undefined {
  const stated = estimator.find('n_features_in_')
  if (typeof stated === 'number') return stated
  for (const [attribute, axis] of WITNESSES) {
    const value = estimator.find(attribute)
    const width = extent(value, axis) ?? extent(heldBy(value), axis)
    if (width !== undefined) return width
  }
  return undefined
}

/** Length of a value along an axis; of a list of arrays, that of its first; a number is the length itself. */
function extent(value: Inert | undefined, axis: number): number | undefined {
  if (typeof value === 'number') return value
  if (value instanceof NdArray) return value.shape.at(axis)
  if (!Array.isArray(value)) return undefined
  const [first] = value
  if (first instanceof NdArray && first.shape.length === 2) return first.shape.at(axis)
  if (axis === 0) return value.length
  const length = value[axis]
  return typeof length === 'number' ? length : undefined
}

/** The rows of a search tree, the shape of a sparse matrix, the statistics of an imputer. */
function heldBy(value: Inert | undefined): Inert | undefined {
  if (!(value instanceof InertObject)) return undefined
  if (Array.isArray(value.state)) return value.state[0]
  return value.state instanceof Map
    ? (value.state.get('_shape') ?? value.state.get('statistics_'))
    : undefined
}
