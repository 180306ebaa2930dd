import { describe, expect, test } from 'vitest'
import { object, objects } from '../../test/inert.ts'
import { transform } from '../../test/transform.ts'
import { RowError } from '../errors.ts'
import { inputSchema } from '../ir/schema.ts'
import { GlobalRef, type Inert } from '../pickle/values.ts'
import { lowerModel } from './lower.ts'

const dtype = new GlobalRef('numpy', 'float64')
const dictionary = object('sklearn.feature_extraction._dict_vectorizer.DictVectorizer', {
  feature_names_: ['city=Leeds', 'city=Oslo', 'rooms'],
  separator: '=',
  sparse: true,
  dtype,
})
const hasher = (attributes: Record<string, Inert>) =>
  object('sklearn.feature_extraction._hash.FeatureHasher', {
    n_features: 8,
    alternate_sign: true,
    input_type: 'dict',
    dtype,
    ...attributes,
  })
const labels = object('sklearn.preprocessing._label.MultiLabelBinarizer', {
  classes_: objects([1, 2, 'red']),
})
const json = (...rows: readonly unknown[]): string[][] => rows.map((row) => [JSON.stringify(row)])

describe('DictVectorizer', () => {
  test('texts are names, numbers are values, several texts are several names', () => {
    const rows = json({ city: 'Oslo', rooms: 2.5 }, { city: ['Oslo', 'Leeds'], rooms: true, other: 'x' }, {})

    expect(transform(dictionary, rows)).toEqual([
      [0, 1, 2.5],
      [1, 1, 1],
      [0, 0, 0],
    ])
  })

  test('null is NaN, as Python makes a float of None', () => {
    expect(transform(dictionary, json({ rooms: null }))).toEqual([[0, 0, Number.NaN]])
  })

  test.each([[[]], ['text'], [null], [{ city: {} }], [{ city: [1] }]])('%j raises', (row) => {
    expect(() => transform(dictionary, json(row))).toThrow(RowError)
  })

  test('the schema asks for an object', () => {
    expect(inputSchema(lowerModel(dictionary))).toMatchObject([
      { name: 'record', type: 'object', nullable: false },
    ])
  })
})

describe('FeatureHasher', () => {
  test('pairs, names and objects hash to the same columns', () => {
    const pairs = hasher({ input_type: 'pair' })
    const names = hasher({ input_type: 'string' })

    const expected = transform(hasher({}), json({ a: 1, b: 1 }))

    expect(
      transform(
        pairs,
        json([
          ['a', 1],
          ['b', 1],
        ]),
      ),
    ).toEqual(expected)
    expect(transform(names, json(['a', 'b']))).toEqual(expected)
    expect(expected[0]!.reduce<number>((sum, value) => sum + Math.abs(Number(value)), 0)).toBe(2)
  })

  test.each([
    ['dict', { a: null }],
    ['dict', { a: [] }],
    ['pair', [['a']]],
    ['pair', [[1, 2]]],
    ['string', [1]],
    ['string', 'text'],
    ['string', ['\ud800']],
  ])('rows as %s: %j raises', (form, row) => {
    expect(() => transform(hasher({ input_type: form }), json(row))).toThrow(RowError)
  })

  test('the schema asks for an object, or for a list', () => {
    const typeOf = (form: string) => inputSchema(lowerModel(hasher({ input_type: form })))[0]!.type

    expect(['dict', 'pair', 'string'].map(typeOf)).toEqual(['object', 'list', 'list'])
  })
})

describe('MultiLabelBinarizer', () => {
  test('labels it has not seen are left out, true is 1', () => {
    expect(transform(labels, json(['red', true, 'blue'], [2.0, 2], []))).toEqual([
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 0],
    ])
  })

  test.each([['text'], [{}], [[['red']]]])('%j raises', (row) => {
    expect(() => transform(labels, json(row))).toThrow(RowError)
  })
})
