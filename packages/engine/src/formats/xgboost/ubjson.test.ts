import { expect, test } from 'vitest'
import { Budget, DEFAULT_LIMITS } from '../../bytes/limits.ts'
import { readUbjson } from './ubjson.ts'

const read = (...parts: (string | number[])[]) =>
  readUbjson(
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    ),
    new Budget(DEFAULT_LIMITS),
  )

test('objects, texts, numbers of every size and constants', () => {
  const value = read(
    '{',
    'i',
    [1],
    'a',
    'I',
    [1, 2],
    'U',
    [1],
    'b',
    '[',
    'T',
    'Z',
    'l',
    [255, 255, 255, 254],
    ']',
    'i',
    [1],
    'c',
    'Si',
    [2],
    'hi',
    '}',
  )

  expect(value).toEqual(
    new Map<string, unknown>([
      ['a', 258],
      ['b', [true, null, -2]],
      ['c', 'hi'],
    ]),
  )
})

test('an array of one type has no markers inside', () => {
  expect(read('[$d#i', [2], [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])).toEqual(Float64Array.of(1, -2))
})

test.each([
  ['nothing', []],
  ['an unknown marker', ['?']],
  ['a length beyond the end', ['[$d#l', [0x7f, 255, 255, 255]]],
  ['a negative length', ['Si', [255]]],
  ['an object that does not end', ['{i', [1], 'aT']],
  ['more after the end', ['TT']],
])('%s is refused', (_, parts) => {
  expect(() => read(...(parts as string[]))).toThrow('the UBJSON of the file is broken')
})
