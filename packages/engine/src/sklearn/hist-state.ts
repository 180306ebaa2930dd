import { fieldOf, numbersOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { Estimator } from './estimator.ts'
import type { PlantedTree } from './forest.ts'
import { toInt32 } from './tree-state.ts'

/** Words of a category bitset: 256 categories. */
const SET_WORDS = 8

const NODE_FIELDS = new Set([
  'value',
  'count',
  'feature_idx',
  'num_threshold',
  'threshold',
  'missing_go_to_left',
  'left',
  'right',
  'gain',
  'depth',
  'is_leaf',
  'bin_threshold',
  'is_categorical',
  'bitset_idx',
])

type HistForest = {
  readonly planted: readonly PlantedTree[]
  readonly sets: Uint32Array
  /** The file says where missing values go (from 0.22). */
  readonly routesMissing: boolean
}

/** `_predictors`: per iteration one tree per column of scores. */
export function readHistForest(booster: Estimator, columns: number): HistForest {
  const known = knownCategories(booster)
  const sets: Uint32Array[] = []
  const planted = booster.list('_predictors').flatMap((iteration) => {
    if (!Array.isArray(iteration) || iteration.length !== columns)
      throw booster.error('corrupt', 'an iteration does not have one tree per column of scores')
    return iteration.map((predictor, slot) => ({ ...readPredictor(booster, predictor, known, sets), slot }))
  })
  const words = new Uint32Array(sets.length * SET_WORDS)
  for (const [i, set] of sets.entries()) words.set(set, i * SET_WORDS)
  return { planted, sets: words, routesMissing: planted.every((tree) => tree.routesMissing) }
}

/** Bitset of the categories seen in training, per categorical column. */
function knownCategories(booster: Estimator): ReadonlyMap<number, Uint32Array> {
  const mapper = booster.child(booster.get('_bin_mapper', 'bin_mapper_'), 'bin mapper')
  if (!mapper.has('is_categorical_')) return new Map() // before 0.24
  const categorical = mapper.numbers('is_categorical_')
  const values = mapper.list('bin_thresholds_')
  const known = new Map<number, Uint32Array>()
  for (const [column, flag] of categorical.entries()) {
    const categories = values[column]
    if (flag === 0 || !(categories instanceof NdArray)) continue
    const set = new Uint32Array(SET_WORDS)
    for (const category of numbersOf(categories)) set[(category & 255) >> 5]! |= 1 << (category & 31)
    known.set(column, set)
  }
  return known
}

/** One `TreePredictor`. Its bitsets are appended to `sets`, one per categorical node. */
function readPredictor(
  booster: Estimator,
  predictor: Inert,
  known: ReadonlyMap<number, Uint32Array>,
  sets: Uint32Array[],
): PlantedTree & { readonly routesMissing: boolean } {
  const state =
    predictor instanceof InertObject && predictor.state instanceof Map ? predictor.state : undefined
  const nodes = state?.get('nodes')
  if (!(nodes instanceof NdArray)) throw booster.error('corrupt', 'a tree has no nodes')
  const unknown = [...(nodes.dtype.fields?.keys() ?? [])].find((name) => !NODE_FIELDS.has(name))
  if (unknown !== undefined)
    throw booster.error('unsupported', `its nodes have the field ${unknown}, which we do not know`)
  const has = (name: string): boolean => nodes.dtype.fields?.has(name) ?? false
  const flags = (name: string): Float64Array =>
    has(name) ? fieldOf(nodes, name) : new Float64Array(nodes.length)
  const isLeaf = fieldOf(nodes, 'is_leaf')
  const isCategorical = flags('is_categorical')
  const missingLeft = Uint8Array.from(flags('missing_go_to_left'))
  const feature = toInt32(fieldOf(nodes, 'feature_idx'), booster).map((column, i) => {
    if (isLeaf[i] !== 0) return -1
    if (column < 0) throw booster.error('corrupt', 'a tree splits on no column')
    return column
  })
  const bitsets = isCategorical.includes(1) ? bitsetsOf(booster, state?.get('raw_left_cat_bitsets')) : []
  const bitset = flags('bitset_idx')
  const categories = Int32Array.from(isCategorical, (flag, i) => {
    if (flag === 0 || feature[i] === -1) return -1
    const members = bitsets[bitset[i]!]
    const seen = known.get(feature[i]!)
    if (members === undefined || seen === undefined)
      throw booster.error('corrupt', 'a categorical split names no categories')
    return sets.push(withUnknown(members, seen, missingLeft[i] === 1)) - 1
  })
  return {
    nodes: {
      feature,
      threshold: fieldOf(nodes, has('num_threshold') ? 'num_threshold' : 'threshold'),
      left: toInt32(fieldOf(nodes, 'left'), booster),
      right: toInt32(fieldOf(nodes, 'right'), booster),
      missingLeft,
      categories,
    },
    values: fieldOf(nodes, 'value'),
    routesMissing: has('missing_go_to_left'),
  }
}

/** Unknown categories go where missing values go. */
const withUnknown = (members: Uint32Array, seen: Uint32Array, missingLeft: boolean): Uint32Array =>
  members.map((word, i) => (missingLeft ? word | ~seen[i]! : word))

function bitsetsOf(booster: Estimator, value: Inert | undefined): Uint32Array[] {
  if (!(value instanceof NdArray) || value.shape[1] !== SET_WORDS)
    throw booster.error('corrupt', 'the category sets of a tree are not 256 bits each')
  const words = Uint32Array.from(numbersOf(value))
  return Array.from({ length: words.length / SET_WORDS }, (_, i) =>
    words.subarray(i * SET_WORDS, (i + 1) * SET_WORDS),
  )
}
