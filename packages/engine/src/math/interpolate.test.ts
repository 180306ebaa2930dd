import { expect, test } from 'vitest'
import { interpolate } from './interpolate.ts'

const xs = Float64Array.of(0, 1, 1, 3)
const ys = Float64Array.of(10, 20, 30, 40)

test.each([
  ['between two points', 2, 35],
  ['on a point', 3, 40],
  ['on a repeated point, where the last counts', 1, 30],
  ['before the first point', -1, 10],
  ['after the last point', 9, 40],
  ['nowhere', Number.NaN, Number.NaN],
])('a value %s', (_, x, y) => {
  expect(interpolate(x, xs, ys)).toBe(y)
})
