import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { estimatorOf, readModelFile } from '../formats/read-file.ts'
import { inputSchema } from '../ir/schema.ts'
import { lowerModel } from '../sklearn/lower.ts'

type Change = { readonly learner?: object; readonly tree?: object; readonly version?: number[] }

/** A stump on two columns: x0 < 2 answers 1, else 5; missing goes right. */
function file({ learner = {}, tree = {}, version = [3, 0, 0] }: Change = {}): Uint8Array {
  const stump = {
    left_children: [1, -1, -1],
    right_children: [2, -1, -1],
    split_indices: [0, 0, 0],
    split_conditions: [2, 1, 5],
    default_left: [0, 0, 0],
    tree_param: { size_leaf_vector: '1' },
    ...tree,
  }
  const model = { gbtree_model_param: { num_parallel_tree: '1' }, tree_info: [0], trees: [stump] }
  return Buffer.from(
    JSON.stringify({
      learner: {
        gradient_booster: { name: 'gbtree', model },
        learner_model_param: { base_score: '0', num_class: '0', num_feature: '2', num_target: '1' },
        objective: { name: 'reg:squarederror' },
        ...learner,
      },
      version,
    }),
  )
}

const model = (change?: Change) => estimatorOf(readModelFile(file(change)))
const predict = (change: Change, rows: number[][], method: 'predict' | 'predict_proba' = 'predict') =>
  Array.from(ask(model(change), method, rows) as ArrayLike<unknown>)

describe('a booster', () => {
  test('goes left below a threshold, not at it, and compares float32', () => {
    expect(
      predict({}, [
        [1.9, 0],
        [2, 0],
        [2 - 1e-12, 0],
        [Number.NaN, 0],
      ]),
    ).toEqual([1, 5, 5, 5])
  })

  test('sends categories of a set right, and what is no category left; up to 1.6 the default way', () => {
    const tree = {
      default_left: [0, 0, 0],
      categories: [1, 40],
      categories_nodes: [0],
      categories_segments: [0],
      categories_sizes: [2],
    }
    const rows = [
      [1, 0],
      [40, 0],
      [2, 0],
      [1000, 0],
      [-1, 0],
    ]

    expect(predict({ tree, version: [1, 7, 0] }, rows)).toEqual([5, 5, 1, 1, 1])
    expect(predict({ tree, version: [1, 6, 2] }, rows)).toEqual([5, 5, 1, 5, 5])
  })

  test.each([
    [
      [1, 254],
      [5, 5, 1, 1, 1, 1, 1],
    ],
    [
      [1, 255],
      [5, 1, 5, 1, 1, 1, 1],
    ],
    [
      [1, 7000],
      [5, 1, 1, 5, 1, 1, 1],
    ],
  ])('looks categories up in the set %j', (categories, expected) => {
    const tree = { categories, categories_nodes: [0], categories_segments: [0], categories_sizes: [2] }
    const rows = [1, 254, 255, 7000, 7001, 2 ** 24, -0.5].map((value) => [value, 0])

    expect(predict({ tree }, rows)).toEqual(expected)
    expect(predict({ tree: { ...tree, default_left: [1, 0, 0] } }, rows)).toEqual(expected)
  })

  test('sends NaN the default way where it splits on categories', () => {
    for (const category of [1, 300])
      for (const version of [
        [1, 6, 2],
        [3, 0, 0],
      ]) {
        const tree = {
          categories: [category],
          categories_nodes: [0],
          categories_segments: [0],
          categories_sizes: [1],
        }
        const answers = [0, 1].map((left) =>
          predict({ tree: { ...tree, default_left: [left, 0, 0] }, version }, [[Number.NaN, 0]]),
        )

        expect(answers).toEqual([[5], [1]])
      }
  })

  test('saved by a scikit-learn classifier answers labels', () => {
    const learner = {
      objective: { name: 'binary:logistic' },
      learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '2' },
      attributes: { scikit_learn: '{"_estimator_type": "classifier", "missing": NaN}' },
    }

    expect(lowerModel(model({ learner })).classes).toEqual([[0, 1]])
    expect(
      predict({ learner, tree: { split_conditions: [2, -1, 5] } }, [
        [0, 0],
        [3, 0],
      ]),
    ).toEqual([0, 1])
  })

  test('has the names of its columns and the version of its library', () => {
    const program = lowerModel(model({ learner: { feature_names: ['age', 'income'] } }))

    expect(program.inputs.map(({ name }) => name)).toEqual(['age', 'income'])
    expect(program.origin).toMatchObject({ library: 'xgboost', libraryVersion: '3.0.0' })
  })
})

test('categories that a file names are read as text; beyond ASCII their names are cut off, so codes are read', () => {
  const url = new URL(
    '../../test/fixtures/xgboost-3.2.0/xgb-categorical-partition/model.json',
    import.meta.url,
  )
  const schema = inputSchema(lowerModel(estimatorOf(readModelFile(readFileSync(url)))))

  expect(schema.map(({ name, type, unknown, categories }) => [name, type, unknown, categories])).toEqual([
    ['city', 'number', 'accepted', undefined],
    ['plan', 'string', 'refused', ['basic', 'plus', 'pro', 'ultra']],
    ['level', 'number', 'accepted', undefined],
  ])
})

test.each<[string, Change]>([
  ["XGBoost's objective multi:new is not known", { learner: { objective: { name: 'multi:new' } } }],
  ["XGBoost's booster gbforest is not known", { learner: { gradient_booster: { name: 'gbforest' } } }],
  ['a node with two parents', { tree: { left_children: [1, 0, -1] } }],
  ['points at node 7', { tree: { left_children: [7, -1, -1] } }],
  ['reads column 9', { tree: { split_indices: [9, 0, 0] } }],
  ['columns of several lengths', { tree: { default_left: [0] } }],
  ['not a list of whole numbers', { tree: { left_children: [0.5, -1, -1] } }],
  ['leaves of 3 values for 1 outputs', { tree: { tree_param: { size_leaf_vector: '3' } } }],
  ['base_score is not a number', { learner: { learner_model_param: { base_score: 'x', num_feature: '2' } } }],
])('refused: %s', (message, change) => {
  expect(() => lowerModel(model(change))).toThrow(message)
})
