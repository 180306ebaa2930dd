import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { estimatorOf, readModelFile } from '../formats/read-file.ts'
import { lowerModel } from '../sklearn/lower.ts'

/** x0 ≤ 2 answers 1, else 5, unless a line says otherwise; a line without `=` is added. */
function file(changes: Readonly<Record<string, string>> = {}, end = ''): Uint8Array {
  const head = {
    version: 'v4',
    num_class: '1',
    num_tree_per_iteration: '1',
    max_feature_idx: '1',
    objective: 'regression',
    feature_names: 'age income',
  }
  const tree = {
    num_leaves: '2',
    num_cat: '0',
    split_feature: '0',
    threshold: '2',
    decision_type: '2',
    left_child: '-1',
    right_child: '-2',
    leaf_value: '1 5',
    is_linear: '0',
  }
  const lines = (facts: Readonly<Record<string, string>>) =>
    Object.entries({
      ...facts,
      ...Object.fromEntries(Object.entries(changes).filter(([key]) => key in facts)),
    })
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')
  const others = Object.entries(changes)
    .filter(([key]) => !(key in head) && !(key in tree))
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')
  return Buffer.from(`tree\n${lines(head)}\n\nTree=0\n${lines(tree)}\n${others}\n\nend of trees\n${end}`)
}

const model = (...args: Parameters<typeof file>) => estimatorOf(readModelFile(file(...args)))
const predict = (changes: Readonly<Record<string, string>>, values: number[]) =>
  ask(
    model(changes),
    'predict',
    values.map((value) => [value, 0]),
  )

describe('a split', () => {
  // decision_type: 1 categorical, 2 default left, 4 × (0 none, 1 zero, 2 NaN)
  test('goes left at its threshold; where nothing is missing NaN is zero', () => {
    expect(predict({ decision_type: '0' }, [2, 2.000001, Number.NaN])).toEqual([1, 5, 1])
    expect(predict({ decision_type: '2', threshold: '-1' }, [Number.NaN])).toEqual([5])
  })

  test('sends NaN its own way', () => {
    expect(predict({ decision_type: '8' }, [Number.NaN, 0])).toEqual([5, 1])
    expect(predict({ decision_type: '10' }, [Number.NaN, 3])).toEqual([1, 5])
  })

  test('sends zero and what is nearly zero the way of NaN where zero is missing', () => {
    expect(predict({ decision_type: '4' }, [0, 1e-36, -1e-36, Number.NaN, 1])).toEqual([5, 5, 5, 5, 1])
  })

  test('looks nearly zero up as zero', () => {
    expect(predict({ threshold: '0' }, [1e-36, 1e-34])).toEqual([1, 5])
  })

  test('sends the categories of its set left, all else right', () => {
    const set = { decision_type: '1', threshold: '0', cat_boundaries: '0 2', cat_threshold: '3 2' }

    expect(predict(set, [0, 1, 33, -0.5, 2, 64, -1, 1e12, Number.NaN])).toEqual([1, 1, 1, 1, 5, 5, 5, 5, 5])
  })

  test.each([
    ['254', '0 0 0 0 0 0 0 1073741824', [5, 1, 5, 5]],
    ['255', '0 0 0 0 0 0 0 2147483648', [5, 5, 1, 5]],
    ['256', '0 0 0 0 0 0 0 0 1', [5, 5, 5, 1]],
  ])('knows the category %s', (_, words, expected) => {
    const end = String(words.split(' ').length)
    const set = { decision_type: '1', threshold: '0', cat_boundaries: `0 ${end}`, cat_threshold: words }

    expect(predict(set, [0, 254, 255, 256])).toEqual(expected)
  })
})

describe('a leaf with a linear function', () => {
  const linear = {
    is_linear: '1',
    leaf_const: '10 20',
    num_features: '2 0',
    leaf_features: '0 1   ',
    leaf_coeff: '2 3   ',
  }

  test('answers it, or its value where a feature is missing', () => {
    const rows = [
      [1, 4],
      [Number.NaN, 4],
      [9, Number.NaN],
    ]

    expect(ask(model(linear), 'predict', rows)).toEqual([24, 1, 20])
  })

  test('is refused when it reads a column that is not there', () => {
    expect(() => lowerModel(model({ ...linear, leaf_features: '0 7' }))).toThrow('a column outside of 2')
  })
})

test('a random forest answers means, its raw scores are sums', () => {
  const forest = Buffer.from(file()).toString().replace('\n\nTree=0', '\naverage_output\n\nTree=0')
  const tree = forest.slice(forest.indexOf('Tree=0'), forest.indexOf('end of trees'))
  const two = Buffer.from(forest.replace('end of trees', `${tree.replace('Tree=0', 'Tree=1')}end of trees`))
  const root = estimatorOf(readModelFile(two))

  expect(ask(root, 'predict', [[3, 0]])).toEqual([5])
  expect(ask(root, 'raw_margin', [[3, 0]])).toEqual([10])
})

test('categories of pandas are read as text', () => {
  const end = '[categorical_feature: 1]\n\npandas_categorical:[["low", "high"]]\n'

  expect(lowerModel(model({}, end)).inputs).toEqual([
    { name: 'age', kind: 'number' },
    { name: 'income', kind: 'cell' },
  ])
})

test.each<[string, Readonly<Record<string, string>>]>([
  ["LightGBM's objective new is not known", { objective: 'new' }],
  ['points at leaf 6', { left_child: '-7' }],
  ['points at node 3', { left_child: '3' }],
  ['a node with two parents', { left_child: '0' }],
  ['reads column 2', { split_feature: '2' }],
  ['the set 0 of categories, which is not there', { decision_type: '1', threshold: '0' }],
  ['columns differ in length', { threshold: '1 2' }],
  ['has leaf_value that are not numbers', { leaf_value: '1 x' }],
  ['has left_child that are not whole numbers', { left_child: '-1.5' }],
  ['has no whole number for num_leaves', { num_leaves: 'two' }],
])('refused: %s', (message, changes) => {
  expect(() => lowerModel(model(changes))).toThrow(message)
})

test('pandas categories without their features are refused', () => {
  expect(() => lowerModel(model({}, '\npandas_categorical:[["a"]]\n'))).toThrow(
    'does not say which features have its pandas categories',
  )
})
