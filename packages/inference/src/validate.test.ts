import type { ModelSchema, SchemaColumn } from '@millwright/contracts'
import type { InputColumn } from '@millwright/engine'
import { describe, expect, test } from 'vitest'
import { describe as describeValue } from './convert.ts'
import { createRowReader, pointerTo } from './validate.ts'

const column = (name: string, changes: Partial<SchemaColumn> = {}): SchemaColumn => ({
  ...{ name, type: 'number', nullable: false, null: 'NaN', infinite: false, unknown: 'accepted' },
  ...changes,
})

/** Reads one row; the values as the model would see them, or codes and messages of the faults. */
function read(columns: readonly SchemaColumn[], row: unknown, manners: 'strict' | 'lenient' = 'strict') {
  const schema: ModelSchema = { inputs: [...columns], outputs: [], classes: [] }
  const inputs = columns.map(
    ({ name, type }): InputColumn => ({
      name,
      kind: ['string', 'any', 'object', 'list'].includes(type) ? 'cell' : 'number',
    }),
  )
  const reader = createRowReader(schema, inputs, manners)
  const slab = reader.createSlab(1)
  const faults = reader.readRow(row, slab, 0)
  if (faults !== undefined) return faults.map(({ code, message }) => `${code} — ${message}`)
  return columns.map((_, index) => reader.valueAt(slab, 0, index))
}

const age = column('age')
const plan = column('plan', {
  type: 'string',
  null: 'None',
  categories: ['basic', 'pro'],
  unknown: 'refused',
})

describe('a strict reader takes', () => {
  test.each<[string, SchemaColumn, unknown, unknown]>([
    ['numbers', age, 4.5, 4.5],
    ['null where the model takes missing numbers', column('age', { nullable: true }), null, Number.NaN],
    ['"NaN" where the model takes missing numbers', column('age', { nullable: true }), 'NaN', Number.NaN],
    [
      '"-Infinity" where the model takes it',
      column('age', { infinite: true }),
      '-Infinity',
      Number.NEGATIVE_INFINITY,
    ],
    ['whole numbers as integers', column('age', { type: 'integer' }), 2 ** 53 - 1, 2 ** 53 - 1],
    ['true as one where the model reads numbers', column('age', { type: 'boolean' }), true, 1],
    ['known categories', plan, 'pro', 'pro'],
    ['None as None', column('plan', { type: 'string', nullable: true, null: 'None' }), null, null],
    [
      'unseen categories where the model does',
      column('plan', { type: 'string', categories: ['a'] }),
      'b',
      'b',
    ],
    ['a mix of types where the model does', column('plan', { type: 'any' }), true, true],
    [
      'objects as their JSON text',
      column('r', { type: 'object' }),
      { a: 'x', b: [1, null] },
      '{"a":"x","b":[1,null]}',
    ],
    ['lists as their JSON text', column('r', { type: 'list' }), ['red', 2], '["red",2]'],
  ])('%s', (_name, schema, value, seen) => {
    expect(read([schema], { [schema.name]: value })).toEqual([seen])
  })
})

describe('a strict reader says what is wrong with', () => {
  test.each<[string, SchemaColumn, unknown, string]>([
    ['nothing', age, undefined, 'missing — age: expected a finite number, got nothing'],
    [
      'a list where an object is read',
      column('r', { type: 'object' }),
      [],
      'wrong_type — r: expected an object of plain values, got a list of 0',
    ],
    [
      'an object inside an object',
      column('r', { type: 'object' }),
      { a: { b: 1 } },
      'wrong_type — r: expected an object of plain values, got an object',
    ],
    [
      'JSON text where a list is read',
      column('r', { type: 'list' }),
      '[1]',
      'wrong_type — r: expected a list of plain values, got the string "[1]"',
    ],
    [
      'lists deeper than one in another',
      column('r', { type: 'list' }),
      [[[1]]],
      'wrong_type — r: expected a list of plain values, got a list of 1',
    ],
    ['null', age, null, 'null — age: expected a finite number, got null'],
    ['text', age, 'abc', 'wrong_type — age: expected a finite number, got the string "abc"'],
    ['numbers in quotes', age, '45', 'wrong_type — age: expected a finite number, got the string "45"'],
    ['"NaN"', age, 'NaN', 'not_finite — age: expected a finite number, got the string "NaN"'],
    [
      'overflow',
      age,
      JSON.parse('1e999'),
      'not_finite — age: expected a finite number, got a number beyond ±1.8e308',
    ],
    ['true', age, true, 'wrong_type — age: expected a finite number, got true'],
    ['lists', age, [1, 2], 'wrong_type — age: expected a finite number, got a list of 2'],
    ['objects', age, { length: 1e9 }, 'wrong_type — age: expected a finite number, got an object'],
    [
      'fractions',
      column('n', { type: 'integer' }),
      1.5,
      'not_integer — n: expected an integer, got the number 1.5',
    ],
    [
      'integers that JSON cannot hold',
      column('n', { type: 'integer' }),
      2 ** 53,
      'out_of_range — n: expected an integer within ±(2^53 − 1), beyond which JSON numbers lose digits, got the number 9007199254740992',
    ],
    [
      'unknown categories',
      plan,
      'gold',
      'unknown_category — plan: expected one of basic, pro, got the string "gold"',
    ],
    ['numbers for text', plan, 1, 'wrong_type — plan: expected a string, got the number 1'],
    [
      'nested values in columns of any type',
      column('x', { type: 'any' }),
      {},
      'wrong_type — x: expected a string, a number, true or false, got an object',
    ],
  ])('%s', (_name, schema, value, message) => {
    const row = value === undefined ? {} : { [schema.name]: value }

    expect(read([schema], row)).toEqual([message])
  })

  test('several fields at once', () => {
    expect(read([age, plan], { plan: 3, tier: 1 })).toEqual([
      'missing — age: expected a finite number, got nothing',
      'wrong_type — plan: expected a string, got the number 3',
      'unknown_field — tier: the model has no such field; it reads age, plan',
    ])
  })

  test('long values, cut', () => {
    const [message] = read([age], { age: 'x'.repeat(1000) })

    expect(String(message).length).toBeLessThan(150)
  })

  test('a thousand unknown fields, fifty times', () => {
    const row = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, 1]))

    expect(read([age], { age: 1, ...row })).toHaveLength(50)
  })
})

describe('names that JavaScript objects are born with', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s is an unknown field like any other',
    (name) => {
      const row = JSON.parse(`{"age": 1, "${name}": {"polluted": true}}`)

      expect(read([age], row)).toEqual([`unknown_field — ${name}: the model has no such field; it reads age`])
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    },
  )

  test.each(['__proto__', 'constructor', 'toString'])('a column may be called %s', (name) => {
    expect(read([column(name)], JSON.parse(`{"${name}": 7}`))).toEqual([7])
    expect(read([column(name)], {})).toEqual([`missing — ${name}: expected a finite number, got nothing`])
  })
})

describe('a lenient reader takes numbers as Python does', () => {
  test.each([
    ['45', 45],
    [' 4_5\n', 45],
    ['-.5e1', -5],
    ['+1_0.2_5', 10.25],
    ['1.', 1],
    [true, 1],
    [false, 0],
  ])('%j', (value, seen) => {
    expect(read([age], { age: value, extra: {} }, 'lenient')).toEqual([seen])
  })

  test.each(['', '.', '4__5', '_45', '45_', '0x2d', '1e', '5,5', 'nan', '-inf', 'Infinity', '1e999'])(
    'not %j',
    (value) => {
      expect(read([age], { age: value }, 'lenient')).toEqual([
        expect.stringMatching(/^(wrong_type|not_finite) — age/),
      ])
    },
  )
})

test('schema and program must name the same columns', () => {
  const schema: ModelSchema = { inputs: [age], outputs: [], classes: [] }

  expect(() => createRowReader(schema, [{ name: 'edad', kind: 'number' }], 'strict')).toThrow(RangeError)
})

test('pointers escape what RFC 6901 asks for', () => {
  expect(pointerTo('rows', 3, 'a/b~c')).toBe('/rows/3/a~1b~0c')
})

test('a value is described by what it is, not by what it holds', () => {
  expect([describeValue({ secret: 1 }), describeValue([1, 2]), describeValue('a"b')]).toEqual([
    'an object',
    'a list of 2',
    'the string "a\\"b"',
  ])
})
