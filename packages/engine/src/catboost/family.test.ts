import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ask } from '../../test/ask.ts'
import { estimatorOf, readModelFile } from '../formats/read-file.ts'
import { inputSchema } from '../ir/schema.ts'
import { lowerModel } from '../sklearn/lower.ts'

type Change = {
  readonly feature?: object
  readonly top?: object
  readonly info?: object
  readonly loss?: string
}

/** Depth 2 over one feature with borders 1 and 2: leaf = [x > 2] + 2 · [x > 1]. */
function file({ feature = {}, top = {}, info = {}, loss = 'RMSE' }: Change = {}): Uint8Array {
  const borders = { borders: [1, 2], feature_id: '', feature_index: 0, flat_feature_index: 0 }
  return Buffer.from(
    JSON.stringify({
      features_info: { float_features: [{ ...borders, nan_value_treatment: 'AsIs', ...feature }] },
      model_info: { params: { loss_function: { type: loss } }, ...info },
      oblivious_trees: [{ splits: [{ split_index: 1 }, { split_index: 0 }], leaf_values: [10, 20, 30, 40] }],
      scale_and_bias: [2, [1]],
      ...top,
    }),
  )
}

const model = (change?: Change) => estimatorOf(readModelFile(file(change)))
const predict = (change: Change, values: number[]) =>
  ask(
    model(change),
    'predict',
    values.map((value) => [value]),
  )

describe('a symmetric tree', () => {
  test('sets the bit of a split above its border; leaves are scaled, then the bias is added', () => {
    expect(predict({}, [1, 1.5, 2, 2.5])).toEqual([21, 61, 61, 81])
  })

  test('missing values are below every border, or above where the feature says so', () => {
    expect(predict({}, [Number.NaN])).toEqual([21])
    expect(predict({ feature: { nan_value_treatment: 'AsTrue' } }, [Number.NaN])).toEqual([81])
  })
})

test('a nested tree goes right above its border', () => {
  const root = { split: { split_index: 0 }, left: { value: 5 }, right: { value: 7 } }

  expect(predict({ top: { oblivious_trees: undefined, trees: [root] } }, [1, 2])).toEqual([11, 15])
})

test('a classifier answers its labels, or 0 and 1 where it has none', () => {
  const named = { class_params: { class_label_type: 'String', class_names: ['no', 'yes'] } }
  const top = { scale_and_bias: [1, [-25]] }

  expect(predict({ loss: 'Logloss', info: named, top }, [1, 3])).toEqual(['no', 'yes'])
  expect(predict({ loss: 'Logloss', top }, [1, 3])).toEqual([0, 1])
})

test.each<[string, Change]>([
  ["CatBoost's loss Novel is not known", { loss: 'Novel' }],
  [
    'names the split 7 of 2',
    { top: { oblivious_trees: [{ splits: [{ split_index: 7 }], leaf_values: [1, 2] }] } },
  ],
  [
    'a tree of depth 1 has 3 leaf values',
    { top: { oblivious_trees: [{ splits: [{ split_index: 0 }], leaf_values: [1, 2, 3] }] } },
  ],
  ['their own probability threshold', { info: { binclass_probability_threshold: 0.3 } }],
  [
    'labels of type Boolean',
    { info: { class_params: { class_label_type: 'Boolean', class_names: ['False', 'True'] } } },
  ],
  ['models with text_features', { top: { features_info: { text_features: [{}] } } }],
])('refused: %s', (message, change) => {
  expect(() => lowerModel(model(change))).toThrow(message)
})

test('categories must be there', () => {
  const url = new URL('../../test/fixtures/catboost-1.2.10/cat-text-ctr/model.cbm', import.meta.url)
  const schema = inputSchema(lowerModel(estimatorOf(readModelFile(readFileSync(url)))))

  expect(schema.map(({ name, nullable }) => [name, nullable])).toEqual([
    ['city', false],
    ['plan', false],
    ['level', true],
  ])
})
