import fc from 'fast-check'
import { expect, test } from 'vitest'
import { namesTag, parseRange } from './byte-range.ts'

test.each([
  ['bytes=0-4', { start: 0, end: 5 }],
  ['bytes=5-', { start: 5, end: 10 }],
  ['bytes=-3', { start: 7, end: 10 }],
  ['bytes=-30', { start: 0, end: 10 }],
  ['bytes=9-99', { start: 9, end: 10 }],
  ['bytes=0-99999999999999999999', { start: 0, end: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=10-12', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', undefined],
  ['bytes=0-1,3-4', undefined],
  ['bytes=-', undefined],
  ['bytes=a-b', undefined],
  ['items=0-4', undefined],
  ['', undefined],
  [undefined, undefined],
])('of ten bytes, %s is %j', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range)
})

test('of no bytes there is no part', () => {
  expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
  expect(parseRange('bytes=-1', 0)).toBe('unsatisfiable')
})

test('a part is within the file and not empty', () => {
  const bound = fc.oneof(fc.constant(''), fc.nat(20).map(String))
  fc.assert(
    fc.property(bound, bound, fc.nat(15), (first, last, bytes) => {
      const range = parseRange(`bytes=${first}-${last}`, bytes)
      return typeof range !== 'object' || (range.start >= 0 && range.start < range.end && range.end <= bytes)
    }),
  )
})

test('a tag is named by itself, weakly, or by any', () => {
  expect(['"a"', 'W/"a"', '*', '"b", "a"'].map((header) => namesTag(header, '"a"'))).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(['"b"', '', 'a', '"A"'].map((header) => namesTag(header, '"a"'))).toEqual([
    false,
    false,
    false,
    false,
  ])
})
