import { assertColumnCount, Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import type { Cell } from '../../ir/program.ts'
import type { Doc } from '../document.ts'
import { parseJson } from '../json.ts'
import type { LightgbmModel, LightgbmTree, LinearLeaves } from './model.ts'

/** Most classes, which are trees of one round. */
const MAX_GROUPS = 100_000
const PANDAS = 'pandas_categorical:'
const CATEGORICAL = /^\[categorical_feature: ([\d,]*)\]$/m

/**
 * LightGBM's text: `key=value` lines of the model, a section of them per tree, then parameters and, on the last line,
 * the categories of pandas columns. @throws ModelError corrupt | unsupported
 */
export function readLightgbm(text: string): LightgbmModel {
  const end = text.indexOf('end of trees')
  if (end < 0) throw corrupt('ends before its trees do')
  const [head, ...sections] = text.slice(0, end).split(/^Tree=\d+\r?\n/m)
  const facts = new Lines(head!)
  const features = facts.number('max_feature_idx') + 1
  if (!(features >= 1 && features < 2 ** 31)) throw corrupt('does not say how many features it has')
  assertColumnCount(features)
  const trees = sections.map((section) => readTree(new Lines(section)))
  const featureNames = facts.words('feature_names')
  const groups = facts.number('num_tree_per_iteration')
  if (!(groups >= 1 && groups <= MAX_GROUPS && trees.length % groups === 0))
    throw corrupt(`has ${trees.length} trees in rounds of ${groups}`)
  return {
    version: facts.text('version'),
    features,
    featureNames: featureNames.length === features ? featureNames : [],
    groups,
    objective: facts.words('objective'),
    averages: facts.has('average_output'),
    trees,
    categories: readCategories(text.slice(end), features),
  }
}

/** `key=value` lines; a key alone is set. */
class Lines {
  readonly #values: ReadonlyMap<string, string>

  constructor(text: string) {
    this.#values = new Map(
      text.split(/\r?\n/).map((line): [string, string] => {
        const [key] = line.split('=', 1)
        return [key!, line.slice(key!.length + 1)]
      }),
    )
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  text(key: string): string {
    const value = this.#values.get(key)
    if (value === undefined) throw corrupt(`lacks ${key}`)
    return value
  }

  words(key: string): string[] {
    return (this.#values.get(key) ?? '').split(/\s+/).filter((word) => word !== '')
  }

  number(key: string): number {
    const value = Number(this.text(key))
    if (!Number.isInteger(value)) throw corrupt(`has no whole number for ${key}`)
    return value
  }

  numbers(key: string): Float64Array {
    return Float64Array.from(this.words(key), (word) => numberOf(word, key))
  }

  integers(key: string): Int32Array {
    const values = this.numbers(key)
    const result = Int32Array.from(values)
    if (values.some((value, i) => value !== result[i])) throw corrupt(`has ${key} that are not whole numbers`)
    return result
  }
}

/** Infinite and missing numbers as C++ prints them. */
const NAMED: Readonly<Record<string, number>> = {
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  nan: Number.NaN,
  '-nan': Number.NaN,
}

function numberOf(word: string, key: string): number {
  const value = Object.hasOwn(NAMED, word) ? NAMED[word]! : Number(word)
  if (Number.isNaN(value) && !word.endsWith('nan')) throw corrupt(`has ${key} that are not numbers`)
  return value
}

function readTree(lines: Lines): LightgbmTree {
  const leaves = lines.number('num_leaves')
  const tree = {
    leaves,
    feature: lines.integers('split_feature'),
    threshold: lines.numbers('threshold'),
    decision: lines.integers('decision_type'),
    left: lines.integers('left_child'),
    right: lines.integers('right_child'),
    values: lines.numbers('leaf_value'),
    setStarts: lines.integers('cat_boundaries'),
    setWords: wordsOf(lines.numbers('cat_threshold')),
    linear: lines.has('is_linear') && lines.number('is_linear') === 1 ? readLinear(lines, leaves) : undefined,
  }
  const { feature, threshold, decision, left, right } = tree
  for (const column of [feature, threshold, decision, left, right])
    if (column.length !== leaves - 1) throw corrupt('has a tree whose columns differ in length')
  if (leaves < 1 || tree.values.length !== leaves) throw corrupt('has a tree whose leaves lack values')
  return tree
}

function wordsOf(values: Float64Array): Uint32Array {
  const words = Uint32Array.from(values)
  if (values.some((value, i) => value !== words[i])) throw corrupt('has sets of categories that are not bits')
  return words
}

function readLinear(lines: Lines, leaves: number): LinearLeaves {
  const linear = {
    constants: lines.numbers('leaf_const'),
    counts: lines.integers('num_features'),
    features: lines.integers('leaf_features'),
    coefficients: lines.numbers('leaf_coeff'),
  }
  const terms = linear.counts.reduce((sum, count) => sum + count, 0)
  if (
    linear.constants.length !== leaves ||
    linear.counts.length !== leaves ||
    linear.counts.some((n) => n < 0)
  )
    throw corrupt('has a tree whose leaves lack linear functions')
  if (linear.features.length !== terms || linear.coefficients.length !== terms)
    throw corrupt('has linear functions without their coefficients')
  return linear
}

/** pandas' categories belong to the categorical features, one list for each, in order. */
function readCategories(rest: string, features: number): Map<number, readonly Cell[]> {
  const at = rest.lastIndexOf(PANDAS)
  if (at < 0) return new Map()
  const lists = parseJson(rest.slice(at + PANDAS.length).trim(), new Budget(DEFAULT_LIMITS))
  if (!Array.isArray(lists) || lists.length === 0) return new Map()
  const columns = (CATEGORICAL.exec(rest)?.[1] ?? '').split(',').filter((word) => word !== '')
  if (columns.length !== lists.length)
    throw new ModelError('unsupported', 'the file does not say which features have its pandas categories', {
      hint: 'train with categorical_feature="auto"',
    })
  return new Map(
    columns.map((column, i): [number, readonly Cell[]] => {
      if (Number(column) >= features) throw corrupt(`has categories of feature ${column}`)
      return [Number(column), cellsOf(lists[i]!)]
    }),
  )
}

function cellsOf(list: Doc): Cell[] {
  if (!Array.isArray(list)) throw corrupt('has categories that are not a list')
  return list.map((cell) => {
    if (cell === null || typeof cell !== 'object') return cell
    throw corrupt('has a category that is not one value')
  })
}

const corrupt = (what: string): ModelError => new ModelError('corrupt', `the LightGBM text ${what}`)
