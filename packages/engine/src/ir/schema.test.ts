import { describe, expect, test } from 'vitest'
import { readCase, readErrorRows, readInput } from '../../test/fixture.ts'
import { doubles, integers, object, objects } from '../../test/inert.ts'
import { programOf } from '../../test/run-case.ts'
import type { Inert } from '../pickle/values.ts'
import { lowerModel } from '../sklearn/lower.ts'
import { inputSchema, type SchemaColumn } from './schema.ts'

const FIXTURES = new URL('../../test/fixtures', import.meta.url).pathname

function schemaOfCase(name: string): SchemaColumn[] {
  const golden = readCase(FIXTURES, name)
  return inputSchema(programOf(golden.folder, Object.keys(golden.meta.files)[0]!))
}

const oneHot = (categories: Inert[], handle_unknown = 'ignore') =>
  object('sklearn.preprocessing._encoders.OneHotEncoder', {
    n_features_in_: categories.length,
    categories_: categories,
    handle_unknown,
    drop_idx_: null,
  })

const only = (schema: readonly SchemaColumn[]): SchemaColumn => schema[0]!

describe('numbers', () => {
  test('a scaler takes missing values and no infinity', () => {
    expect(only(schemaOfCase('scikit-learn-1.3.2/min-max-clip'))).toEqual({
      name: 'x0',
      type: 'number',
      nullable: true,
      null: 'NaN',
      infinite: false,
      unknown: 'accepted',
    })
  })

  test('a model that refuses missing values says so for every column', () => {
    const schema = schemaOfCase('scikit-learn-1.3.2/normalizer-l1')

    expect(schema.map(({ nullable }) => nullable)).toEqual(schema.map(() => false))
  })

  test('an imputer that knows some other marker takes no NaN', () => {
    expect(only(schemaOfCase('scikit-learn-1.3.2/imputer-marker')).nullable).toBe(false)
  })

  test('values are tried out on a row the model accepts, here one of positive numbers', () => {
    expect(only(schemaOfCase('scikit-learn-1.3.2/power-box-cox'))).toMatchObject({
      nullable: true,
      infinite: false,
    })
  })

  test('known integers are integers only where nothing else is accepted', () => {
    const type = (handle: string) => only(inputSchema(lowerModel(oneHot([integers([3, 1, 2])], handle)))).type

    expect([type('error'), type('ignore')]).toEqual(['integer', 'number'])
  })

  test('columns of known truth values are booleans', () => {
    expect(only(inputSchema(lowerModel(oneHot([objects([false, true])]))))).toMatchObject({
      type: 'boolean',
      categories: [false, true],
    })
  })
})

describe('categories', () => {
  test('a column whose categories include None reads null as None', () => {
    const schema = inputSchema(lowerModel(oneHot([objects(['a', null]), objects(['a', Number.NaN])])))

    expect(schema.map((column) => [column.null, column.categories])).toEqual([
      ['None', ['a']],
      ['NaN', ['a']],
    ])
  })

  test('what an imputer looks for is what null means', () => {
    expect(only(schemaOfCase('scikit-learn-1.3.2/imputer-text-none'))).toMatchObject({
      null: 'None',
      nullable: true,
    })
    expect(schemaOfCase('scikit-learn-1.2.2/churn-none-left')[4]).toMatchObject({
      null: 'NaN',
      nullable: true,
    })
  })

  test('unseen categories are refused where the encoder raises', () => {
    const unknown = (handle: string) =>
      only(inputSchema(lowerModel(oneHot([objects(['a'])], handle)))).unknown

    expect([unknown('error'), unknown('ignore')]).toEqual(['refused', 'accepted'])
  })

  test('text seen in training is text in requests, mixed categories are anything', () => {
    const schema = inputSchema(lowerModel(oneHot([objects(['a', 'b']), objects(['a', 1])])))

    expect(schema.map(({ type }) => type)).toEqual(['string', 'any'])
  })

  test('bins are not categories of the column they are made of', () => {
    const bins = object('sklearn.preprocessing._discretization.KBinsDiscretizer', {
      n_features_in_: 1,
      bin_edges_: objects([doubles([0, 1, 2])]),
      encode: 'ordinal',
    })
    const pipeline = object('sklearn.pipeline.Pipeline', {
      steps: [
        ['bins', bins],
        ['encode', oneHot([doubles([0, 1])], 'error')],
      ],
    })

    expect(only(inputSchema(lowerModel(pipeline))).categories).toBeUndefined()
  })
})

test('a column that the model does not read takes anything', () => {
  const schema = schemaOfCase('scikit-learn-1.3.2/columns-name-slice')

  expect(schema.map(({ type }) => type)).toEqual(['number', 'number', 'number', 'any', 'any', 'any', 'any'])
  expect(schema.at(-1)).toMatchObject({ nullable: true, infinite: true, unknown: 'accepted' })
})

describe('what the library raised on, the schema refuses, and nothing it accepted', () => {
  test.each([
    'scikit-learn-1.3.2/churn-columns-only',
    'scikit-learn-1.2.2/ordinal-missing',
    'scikit-learn-1.7.2/ordinal-infrequent',
    'scikit-learn-1.3.2/rfe-cv',
    'scikit-learn-1.5.2/bins-one-hot',
    'scikit-learn-1.5.2/churn-ordinal-boosted',
    'scikit-learn-1.7.2/housing-log-target',
  ])('%s', (name) => {
    const golden = readCase(FIXTURES, name)
    const { columns, rows } = readInput(golden)
    const schema = schemaOfCase(name)
    const refused = (row: readonly unknown[]) =>
      row.some((value, i) => !admits(schema[i]!, value, columns[i]!.null))

    expect(rows.filter(refused)).toEqual([])
    expect(readErrorRows(golden).filter(({ row }) => !refused(row))).toEqual([])
  })
})

function admits(column: SchemaColumn, value: unknown, meant: string | undefined): boolean {
  if (value === null)
    return column.nullable && (meant === undefined || meant === column.null || column.type === 'any')
  if (column.type === 'string') return typeof value === 'string'
  if (value === 'Infinity' || value === '-Infinity') return column.infinite
  return column.unknown === 'accepted' || column.categories!.includes(value as number)
}
