import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inverseNormal, normalQuantile, normalShare } from './normal.ts'

/** scipy.special.ndtri and ndtr, from the tables of the normal distribution. */
test.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.9, 1.2815515655446004],
  [0.01, -2.3263478740408408],
  [1e-7, -5.199337582192816],
  [1e-20, -9.262340089798409],
])('the value below which a share of %d lies is %d', (share, value) => {
  expect(inverseNormal(share)).toBeCloseTo(value, 13)
})

test('shares of 0 and 1 lie at infinity, others than shares nowhere', () => {
  expect([0, 1, -0.1, 1.1].map(inverseNormal)).toEqual([
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    Number.NaN,
  ])
})

test('share and value are inverse to each other', () => {
  fc.assert(
    fc.property(fc.double({ min: -8, max: 5, noNaN: true }), (value) => {
      expect(inverseNormal(normalShare(value))).toBeCloseTo(value, 8)
    }),
  )
})

test('quantiles are clipped where scikit-learn clips them', () => {
  expect([normalQuantile(0), normalQuantile(1)]).toEqual([-5.199337582605575, 5.19933758270342])
})
