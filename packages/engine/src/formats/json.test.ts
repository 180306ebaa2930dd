import { expect, test } from 'vitest'
import { Budget, DEFAULT_LIMITS } from '../bytes/limits.ts'
import { parseJson } from './json.ts'

const parse = (text: string, limits = {}) => parseJson(text, new Budget({ ...DEFAULT_LIMITS, ...limits }))

test.each([
  ['{"a":[1,-2.5E-3,true,null],"b":{}}', { a: [1, -0.0025, true, null], b: {} }],
  ['"\\u00e9\\"\\\\"', 'é"\\'],
  [' [ ] ', []],
])('%s is read as JSON.parse reads it', (text, value) => {
  const plain = (doc: unknown): unknown => {
    if (doc instanceof Map) return Object.fromEntries([...doc].map(([key, item]) => [key, plain(item)]))
    return Array.isArray(doc) ? doc.map(plain) : doc
  }

  expect(plain(parse(text))).toEqual(value)
})

test('bare NaN and Infinity are numbers', () => {
  expect(parse('[NaN,Infinity,-Infinity]')).toEqual([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ])
})

test('a key called __proto__ is a key', () => {
  expect(parse('{"__proto__":{"x":1}}')).toEqual(new Map([['__proto__', new Map([['x', 1]])]]))
})

test.each([
  '',
  '{',
  '[1,]',
  '[1 2]',
  '{"a"}',
  '{a:1}',
  '01',
  '1 2',
  '"a',
  '"\n"x',
  '"\\x"',
  'nul',
  '[,1]',
  '{"a":1,}',
])('%j is refused', (text) => {
  expect(() => parse(text)).toThrow('the JSON of the file is broken')
})

test('nesting is bounded', () => {
  expect(() => parse('['.repeat(20), { maxDepth: 10 })).toThrow('more than 10 levels of nesting')
})
