import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expMany } from '../exec/exp.ts'
import { fastExp } from './fast-exp.ts'

const EDGES = [
  ...[0, -0, 1, -1, 1e-300, -1e-300, Number.MIN_VALUE, 0.34657359027997264, -0.34657359027997264],
  ...[-707.9999999999999, -708, -708.0000000000001, 709.782712893384, 709.7827128933841, -1e9, 1e9],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
]
const number = fc.oneof(fc.double({ min: -720, max: 720 }), fc.double(), fc.constantFrom(...EDGES))

test('is within a unit and a half of e^x', () => {
  // Math.exp is within one unit itself.
  fc.assert(
    fc.property(fc.double({ min: -707, max: 709, noNaN: true }), (x) => {
      const expected = Math.exp(x)
      return Math.abs(fastExp(x) - expected) <= 2.5 * 2 ** -52 * expected
    }),
    { numRuns: 20_000 },
  )
})

test('has exact ends', () => {
  expect([0, -0, -709, 710, -Infinity, Infinity, Number.NaN].map(fastExp)).toEqual([
    ...[1, 1, 0, Infinity, 0, Infinity, Number.NaN],
  ])
})

test('has the same bits one by one and many at a time', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), number, (values, factor) => {
      const y = new Float64Array(values.length)
      expMany(Float64Array.from(values), y, { count: values.length, factor })
      expect(Array.from(y)).toEqual(values.map((value) => fastExp(factor * value)))
    }),
  )
  const long = Float64Array.from({ length: 20_000 }, (_, i) => -i / 30)
  const y = new Float64Array(long.length)
  expMany(long, y, { count: long.length, factor: 1 })
  expect(y.every((value, i) => Object.is(value, fastExp(long[i]!)))).toBe(true)
})
