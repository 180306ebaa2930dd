import { describe, expect, test } from 'vitest'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const oneHot = (categories: Inert[], attributes: Record<string, Inert> = {}) =>
  object('sklearn.preprocessing._encoders.OneHotEncoder', {
    n_features_in_: categories.length,
    categories_: categories,
    handle_unknown: 'ignore',
    drop_idx_: null,
    ...attributes,
  })

const ordinal = (categories: Inert[], attributes: Record<string, Inert> = {}) =>
  object('sklearn.preprocessing._encoders.OrdinalEncoder', {
    n_features_in_: categories.length,
    categories_: categories,
    handle_unknown: 'use_encoded_value',
    unknown_value: -1,
    ...attributes,
  })

describe('OneHotEncoder', () => {
  test('None and NaN are different categories', () => {
    const model = oneHot([objects(['a', null, Number.NaN])])

    expect(transform(model, [['a'], [null], [Number.NaN], ['b']])).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ])
  })

  test('1, 1.0 and True are one category, "1" is another', () => {
    const model = oneHot([objects(['1', 1])])

    expect(transform(model, [['1'], [1], [true]])).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ])
  })

  test('columns of numeric categories stay numbers beside columns of text', () => {
    const program = lowerModel(oneHot([integers([1, 2]), objects(['a'])]))

    expect(program.inputs.map(({ kind }) => kind)).toEqual(['number', 'cell'])
  })

  test('minus zero is the category zero', () => {
    expect(transform(oneHot([doubles([0, 1])]), [[-0]])).toEqual([[1, 0]])
  })

  test('an unknown category is the row’s error where the encoder says so', () => {
    expect(() => transform(oneHot([objects(['a'])], { handle_unknown: 'error' }), [['b']])).toThrow(
      expect.objectContaining({
        column: 0,
        field: 'x0',
        message: 'holds a category the model has never seen',
      }),
    )
  })

  test('infinity is refused in numeric columns and merely unknown in object columns', () => {
    expect(() => transform(oneHot([doubles([1])]), [[Number.POSITIVE_INFINITY]])).toThrow('contains infinity')
    expect(transform(oneHot([objects([1])]), [[Number.POSITIVE_INFINITY]])).toEqual([[0]])
  })

  test('a dropped category is a row of zeros and the later ones move up', () => {
    const model = oneHot([objects(['a', 'b', 'c']), objects(['x', 'y'])], { drop_idx_: objects([1, null]) })

    expect(
      transform(model, [
        ['a', 'x'],
        ['b', 'y'],
        ['c', 'y'],
      ]),
    ).toEqual([
      [1, 0, 1, 0],
      [0, 0, 0, 1],
      [0, 1, 0, 1],
    ])
  })

  test('infrequent categories share the last column, with the unknown ones when told so', () => {
    const merged = {
      _infrequent_enabled: true,
      _infrequent_indices: [integers([0, 2])],
      _default_to_infrequent_mappings: [integers([1, 0, 1])],
      _n_features_outs: [2],
    }
    const rows = [['a'], ['b'], ['c'], ['never seen']]
    const categories = [objects(['a', 'b', 'c'])]

    const into = (handle_unknown: string) =>
      transform(oneHot(categories, { ...merged, handle_unknown }), rows)

    expect(into('infrequent_if_exist')).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
      [0, 1],
    ])
    expect(into('ignore')).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
      [0, 0],
    ])
  })
})

describe('OrdinalEncoder', () => {
  test('missing and unknown categories have codes of their own', () => {
    const model = ordinal([objects(['a', 'b', Number.NaN])], { encoded_missing_value: -2 })

    expect(transform(model, [['b'], [Number.NaN], [null], ['c']])).toEqual([[1], [-2], [-1], [-1]])
  })

  test('a missing category is NaN unless told otherwise', () => {
    expect(transform(ordinal([doubles([5, Number.NaN])]), [[Number.NaN]])).toEqual([[Number.NaN]])
  })
})

test('TargetEncoder gives one mean per class, classes fastest, and the overall mean to the unknown', () => {
  const model = object('sklearn.preprocessing._target_encoder.TargetEncoder', {
    n_features_in_: 2,
    categories_: [integers([0, 1]), objects(['a'])],
    encodings_: [doubles([0.1, 0.2]), doubles([0.3, 0.4]), doubles([0.5]), doubles([0.6])],
    target_type_: 'multiclass',
    target_mean_: doubles([7, 8]),
    classes_: integers([0, 1]),
  })

  expect(
    transform(model, [
      [1, 'a'],
      [9, 'b'],
    ]),
  ).toEqual([
    [0.2, 0.4, 0.5, 0.6],
    [7, 8, 7, 8],
  ])
})

describe('label encoders', () => {
  test('LabelEncoder numbers the labels and refuses others', () => {
    const model = object('sklearn.preprocessing._label.LabelEncoder', { classes_: objects(['no', 'yes']) })

    expect(transform(model, [['yes'], ['no']])).toEqual([[1], [0]])
    expect(() => transform(model, [['maybe']])).toThrow('never seen')
  })

  test('LabelBinarizer has one column for two classes, one per class for more', () => {
    const model = (...classes: string[]) =>
      object('sklearn.preprocessing._label.LabelBinarizer', {
        classes_: objects(classes),
        neg_label: -1,
        pos_label: 2,
      })

    expect(transform(model('a', 'b'), [['a'], ['b']])).toEqual([[-1], [2]])
    expect(transform(model('a', 'b', 'c'), [['c'], ['d']])).toEqual([
      [-1, -1, 2],
      [-1, -1, -1],
    ])
  })
})
