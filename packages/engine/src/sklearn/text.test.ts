import { describe, expect, test } from 'vitest'
import { doubles, object, objects } from '../../test/inert.ts'
import { answer, transform } from '../../test/transform.ts'
import { selfCheck } from '../check/self-check.ts'
import { ModelError, RowError } from '../errors.ts'
import { compileProgram } from '../exec/compiled.ts'
import { inputSchema } from '../ir/schema.ts'
import { GlobalRef, type Inert, type InertObject } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const FLOAT = new GlobalRef('numpy', 'float64')
const ANALYSER = {
  input: 'content',
  strip_accents: null,
  preprocessor: null,
  tokenizer: null,
  analyzer: 'word',
  lowercase: true,
  token_pattern: '(?u)\\b\\w\\w+\\b',
  stop_words: null,
  ngram_range: [1, 1],
  binary: false,
}
const count = (terms: readonly string[], attributes: Record<string, Inert> = {}): InertObject =>
  object('sklearn.feature_extraction.text.CountVectorizer', {
    ...ANALYSER,
    dtype: new GlobalRef('numpy', 'int64'),
    vocabulary_: new Map<Inert, Inert>(terms.map((term, i) => [term, i])),
    ...attributes,
  })
const hashing = (width: number): InertObject =>
  object('sklearn.feature_extraction.text.HashingVectorizer', {
    ...ANALYSER,
    n_features: width,
    norm: 'l2',
    alternate_sign: true,
    dtype: FLOAT,
  })
const pipeline = (...steps: readonly InertObject[]): InertObject =>
  object('sklearn.pipeline.Pipeline', { steps: steps.map((step, i) => [`s${i}`, step]) })
const columns = (...transformers: readonly Inert[]): InertObject =>
  object('sklearn.compose._column_transformer.ColumnTransformer', {
    transformers_: [...transformers],
    feature_names_in_: objects(['words', 'size']),
    n_features_in_: 2,
    sparse_output_: true,
  })
const ridge = (width: number): InertObject =>
  object('sklearn.linear_model._ridge.Ridge', {
    n_features_in_: width,
    coef_: doubles(Array.from({ length: width }, (_, i) => (i % 7) - 3)),
    intercept_: 1,
  })

const refusal = (model: InertObject): ModelError | undefined => {
  try {
    lowerModel(model)
    return undefined
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
}

describe('vectorizers', () => {
  test('terms outside the vocabulary do not count', () => {
    expect(transform(count(['ab', 'cd']), [['AB x cd, ab! zz'], ['']])).toEqual([
      [2, 1],
      [0, 0],
    ])
  })

  test('a vocabulary that was given is read before any fit', () => {
    const model = count([], { vocabulary_: null, vocabulary: ['cd', 'ab'] })
    const state = model.state as Map<Inert, Inert>
    state.delete('vocabulary_')

    expect(transform(model, [['ab ab cd']])).toEqual([[1, 2]])
  })

  test('what is not text raises and names the column', () => {
    const executable = compileProgram(lowerModel(count(['ab'])))
    const run = () => executable.run({ rows: 1, cells: [null], numbers: new Float64Array(0) }, ['transform'])

    expect(run).toThrow(RowError)
    expect(run).toThrow(expect.objectContaining({ field: 'text', row: 0 }))
  })

  test('the schema says that text is read and that it may not be missing', () => {
    expect(inputSchema(lowerModel(count(['ab'])))).toMatchObject([
      { name: 'text', type: 'string', nullable: false, infinite: false },
    ])
  })

  test.each(['preprocessor', 'tokenizer', 'analyzer'])(
    'a function as %s is refused with its step',
    (name) => {
      const model = pipeline(count(['ab'], { [name]: new GlobalRef('mine', 'split') }), ridge(1))

      expect(refusal(model)).toMatchObject({
        kind: 'unsupported',
        path: ["step 's0'"],
        message: expect.stringContaining(`calls a function as its ${name}`),
      })
    },
  )

  test.each([
    ['a pattern of another engine', { token_pattern: '(?i)[a-z]+' }],
    ['files as input', { input: 'filename' }],
    ['stop words that are not texts', { stop_words: [1, 2] }],
    ['counts of eight bits', { dtype: new GlobalRef('numpy', 'uint8') }],
  ])('%s is refused', (_, attributes: Record<string, Inert>) => {
    expect(refusal(count(['ab'], attributes))?.kind).toBe('unsupported')
  })

  test('weights of float32 counts are refused', () => {
    const weights = object('sklearn.feature_extraction.text.TfidfTransformer', { use_idf: false, norm: 'l2' })
    const counts = count(['ab'], { dtype: new GlobalRef('numpy', 'float32') })

    expect(transform(counts, [['ab ab']])).toEqual([[2]])
    expect(refusal(pipeline(counts, weights))?.kind).toBe('unsupported')
  })

  test('a vocabulary with a hole is corrupt', () => {
    const holes = new Map<Inert, Inert>([
      ['ab', 0],
      ['cd', 2],
    ])

    expect(refusal(count([], { vocabulary_: holes }))?.kind).toBe('corrupt')
  })
})

describe('a million hashed columns', () => {
  const WIDTH = 2 ** 20

  test('are read by a linear model as they are', () => {
    const model = pipeline(hashing(WIDTH), ridge(WIDTH))

    const [[first], [second]] = answer(model, 'predict', [['some words'], ['']]) as [[number], [number]]

    expect(first).not.toBe(1)
    expect(second).toBe(1)
  })

  test('pass the self-check', () => {
    const program = lowerModel(pipeline(hashing(WIDTH), ridge(WIDTH)))

    expect(selfCheck(program, compileProgram(program), 0)).toMatchObject({ mismatches: 0 })
  })

  test('are not written out as an answer', () => {
    expect(refusal(hashing(WIDTH))).toMatchObject({
      kind: 'limit',
      message: expect.stringContaining('1048576 columns are too many'),
    })
  })

  test('are not written out for a model that reads all columns', () => {
    const scaler = object('sklearn.preprocessing._data.MinMaxScaler', {
      min_: doubles([]),
      scale_: doubles([]),
      clip: false,
    })

    expect(refusal(pipeline(hashing(WIDTH), scaler, ridge(WIDTH)))?.kind).toBe('limit')
  })

  test('stay sparse beside numbers', () => {
    const model = pipeline(
      columns(['hash', hashing(WIDTH), 'words'], ['keep', 'passthrough', ['size']]),
      ridge(WIDTH + 1),
    )
    const weight = (WIDTH % 7) - 3

    expect(answer(model, 'predict', [['', 2]])).toEqual([[1 + 2 * weight]])
  })
})

describe('steps on sparse columns', () => {
  const scaled = (attributes: Record<string, Inert>): InertObject =>
    object('sklearn.preprocessing._data.StandardScaler', {
      n_features_in_: 2,
      scale_: doubles([2, 4]),
      mean_: doubles([1, 1]),
      ...attributes,
    })

  test('a scaler without a mean leaves zeros alone', () => {
    const model = pipeline(count(['ab', 'cd']), scaled({ with_mean: false }))

    expect(transform(model, [['ab ab']])).toEqual([[1, 0]])
  })

  test('a scaler with a mean works on all columns', () => {
    const model = pipeline(count(['ab', 'cd']), scaled({ with_mean: true }))

    expect(transform(model, [['ab ab']])).toEqual([[0.5, -0.25]])
  })

  test('columns are chosen by score', () => {
    const best = object('sklearn.feature_selection._univariate_selection.SelectKBest', {
      k: 2,
      scores_: doubles([3, 1, 2]),
      pvalues_: doubles([0, 0, 0]),
    })

    expect(transform(pipeline(count(['ab', 'cd', 'ef']), best), [['ab cd ef ef']])).toEqual([[1, 2]])
  })

  test('a transformer weight multiplies counts', () => {
    const union = object('sklearn.pipeline.FeatureUnion', {
      transformer_list: [
        ['one', count(['ab'])],
        ['two', count(['ab'])],
      ],
      transformer_weights: new Map<Inert, Inert>([['two', 3]]),
    })

    expect(transform(union, [['ab ab']])).toEqual([[2, 6]])
  })

  test('quantiles of sparse columns are refused', () => {
    const quantile = object('sklearn.preprocessing._data.QuantileTransformer', {})

    expect(refusal(pipeline(count(['ab']), quantile, ridge(1)))?.kind).toBe('unsupported')
  })
})
