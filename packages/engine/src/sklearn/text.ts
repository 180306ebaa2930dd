import type { Ref } from '../ir/program.ts'
import { sparseNormalize, sparseScale, sublinear } from '../ops/sparse.ts'
import { countTokens, hashTokens } from '../ops/tokens.ts'
import { numbersOf } from '../pickle/numpy.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../pickle/values.ts'
import type { AnalyserAttrs } from '../text/analyser.ts'
import { compilePattern } from '../text/pattern.ts'
import { ENGLISH_STOP_WORDS } from '../text/stop-words.ts'
import type { Estimator } from './estimator.ts'
import { sparseRows } from './inputs.ts'
import { type Context, type Family, isAbsent, type Lower, once } from './lowering.ts'
import { transformer } from './scaling.ts'

const CALLABLES = ['preprocessor', 'tokenizer', 'analyzer'] as const

/** @throws ModelError unsupported for functions of the user's, files as input and patterns that we do not read */
function analyserOf(estimator: Estimator): AnalyserAttrs {
  for (const name of CALLABLES) {
    const value = estimator.find(name)
    if (!isAbsent(value) && typeof value !== 'string')
      throw estimator.error(
        'unsupported',
        `${estimator.name} calls a function as its ${name}`,
        'do that step before the model, or describe the tokens by token_pattern',
      )
  }
  if (estimator.text('input', 'content') !== 'content')
    throw estimator.error('unsupported', `${estimator.name} reads files`, 'fit it with input="content"')
  const unit = estimator.text('analyzer')
  const [fewest = 0, most = 0] = estimator.cells('ngram_range').map(Number)
  return {
    lowercase: estimator.flag('lowercase', true),
    accents: isAbsent(estimator.find('strip_accents')) ? '' : estimator.text('strip_accents'),
    unit,
    pattern: unit === 'word' ? patternOf(estimator) : '',
    stopWords: unit === 'word' ? stopWordsOf(estimator) : [],
    fewest,
    most,
  }
}

function patternOf(estimator: Estimator): string {
  const pattern = estimator.find('token_pattern')
  try {
    if (typeof pattern !== 'string') throw new RangeError('token pattern: is not text')
    compilePattern(pattern)
    return pattern
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw estimator.error(
      'unsupported',
      `${estimator.name}: ${error.message}`,
      'use classes, groups and quantifiers, or split the text before the model',
    )
  }
}

function stopWordsOf(estimator: Estimator): readonly string[] {
  const words = estimator.find('stop_words')
  if (isAbsent(words)) return []
  if (words === 'english') return ENGLISH_STOP_WORDS
  const list = members(words)
  if (list?.every((word) => typeof word === 'string')) return list
  throw estimator.error('unsupported', `${estimator.name} has stop words that are not a list of texts`)
}

/** Elements of a list, a set or a frozen set. */
function members(value: Inert): Inert[] | undefined {
  if (Array.isArray(value)) return value
  if (value instanceof Set) return [...value]
  if (value instanceof NdArray && Array.isArray(value.data)) return value.data
  if (value instanceof InertObject && value.cls.name === 'frozenset') return members(value.args[0] ?? [])
  return undefined
}

/** Terms by column. A vocabulary that was given and never fitted is a dictionary, or terms in order. */
function vocabularyOf(estimator: Estimator): string[] {
  const value = estimator.find('vocabulary_') ?? estimator.find('vocabulary') ?? estimator.get('vocabulary_')
  const corrupt = (): Error =>
    estimator.error('corrupt', `${estimator.name}.vocabulary_ does not give every column one term`)
  const terms =
    value instanceof Map
      ? byColumn(value, corrupt)
      : value instanceof Set
        ? [...value].sort(byCodePoint)
        : (members(value) ?? [])
  if (terms.length === 0 || !terms.every((term) => typeof term === 'string')) throw corrupt()
  return terms
}

function byColumn(vocabulary: ReadonlyMap<Inert, Inert>, corrupt: () => Error): Inert[] {
  const terms = new Array<Inert>(vocabulary.size).fill(null)
  for (const [term, column] of vocabulary) {
    if (typeof column !== 'number' || terms[column] !== null) throw corrupt()
    terms[column] = term
  }
  return terms
}

/** Python's order of texts. */
function byCodePoint(a: Inert, b: Inert): number {
  const [left, right] = [Array.from(String(a)), Array.from(String(b))]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

const DTYPES = ['int64', 'float64', 'int32', 'float32', 'int', 'float']

/** numpy's name of the numbers that are counted in. @throws ModelError unsupported for those that cannot hold counts */
function dtypeName(estimator: Estimator, absent: string): string {
  const value = estimator.find('dtype')
  const name =
    value === undefined
      ? absent
      : value instanceof GlobalRef
        ? value.name
        : value instanceof DType
          ? `${value.kind === 'f' ? 'float' : 'int'}${value.itemsize * 8}`
          : String(value)
  if (DTYPES.includes(name)) return name === 'int' || name === 'float' ? `${name}64` : name
  throw estimator.error(
    'unsupported',
    `${estimator.name} counts in numbers of another type than int64 or float64`,
  )
}

/** Rows that are multiplied and divided are float64. */
export function expectDouble(estimator: Estimator): void {
  const dtype = dtypeName(estimator, 'float64')
  if (dtype !== 'float64')
    throw estimator.error('unsupported', `${estimator.name} computes in ${dtype}`, 'fit it with float64')
}

function countNode(estimator: Estimator, x: Ref, { graph }: Context, single: boolean): Ref {
  return graph.add(countTokens, [graph.toCells(x)], {
    ...analyserOf(estimator),
    vocabulary: vocabularyOf(estimator),
    binary: estimator.flag('binary', false),
    single,
  })
}

const lowerCount: Lower = (estimator, x, context) => {
  const dtype = dtypeName(estimator, 'int64')
  const node = once(() => countNode(estimator, x, context, dtype === 'float32'))
  return transformer(context.graph, node(), { dtype })
}

/** Terms by their weight: (1 + ln count or count) · idf, divided by the norm of the row. */
function weigh(estimator: Estimator, x: Ref, { graph }: Context): Ref {
  const counts = sparseRows(graph, x)
  const type = graph.type(counts)
  if (type.kind === 'sparse' && type.dtype === 'f32')
    throw estimator.error('unsupported', `${estimator.name} computes in float32`, 'fit it with float64')
  const counted = estimator.flag('sublinear_tf', false) ? graph.add(sublinear, [counts], {}) : counts
  const weighted = estimator.flag('use_idf', true)
    ? graph.add(sparseScale, [counted], { by: 'multiply', values: frequenciesOf(estimator), single: false })
    : counted
  const norm = estimator.find('norm')
  return isAbsent(norm) ? weighted : graph.add(sparseNormalize, [weighted], { norm: estimator.text('norm') })
}

/** `idf_`; before 1.5 it was the diagonal of a sparse matrix. */
function frequenciesOf(estimator: Estimator): Float64Array {
  const diagonal = estimator.find('_idf_diag')
  if (!(diagonal instanceof InertObject)) return estimator.numbers('idf_')
  const values = diagonal.state instanceof Map ? diagonal.state.get('data') : undefined
  if (values instanceof NdArray) return numbersOf(values)
  throw estimator.error('corrupt', `${estimator.name}._idf_diag is not a sparse matrix`)
}

const lowerWeights: Lower = (estimator, x, context) =>
  transformer(context.graph, weigh(estimator, x, context), { dtype: 'float64' })

const lowerTfidf: Lower = (estimator, x, context) => {
  expectDouble(estimator)
  const counts = countNode(estimator, x, context, false)
  return context.lower(estimator.child(estimator.get('_tfidf')), counts)
}

const lowerHashing: Lower = (estimator, x, { graph }) => {
  expectDouble(estimator)
  const hashed = graph.add(hashTokens, [graph.toCells(x)], {
    ...analyserOf(estimator),
    width: estimator.number('n_features'),
    alternate: estimator.flag('alternate_sign', true),
    binary: estimator.flag('binary', false),
  })
  const norm = estimator.find('norm')
  const normed = isAbsent(norm)
    ? hashed
    : graph.add(sparseNormalize, [hashed], { norm: estimator.text('norm') })
  return transformer(graph, normed, { dtype: 'float64' })
}

const named = (...names: string[]) => names.map((name) => `sklearn.feature_extraction.${name}`)
const VOCABULARY = 'vocabulary_ fixed_vocabulary_ stop_words_ max_features_'
const columnNames = (): readonly string[] => ['text']
const note = 'token patterns of classes, groups and quantifiers; no functions'

export const textFamily: readonly Family[] = [
  { names: named('CountVectorizer'), fields: VOCABULARY, columnNames, note, lower: lowerCount },
  { names: named('TfidfVectorizer'), fields: `${VOCABULARY} idf_`, columnNames, note, lower: lowerTfidf },
  { names: named('HashingVectorizer'), fields: '', columnNames, note, lower: lowerHashing },
  { names: named('TfidfTransformer'), fields: 'idf_', lower: lowerWeights },
]
