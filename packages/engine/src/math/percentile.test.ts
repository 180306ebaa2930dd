import { expect, test } from 'vitest'
import { percentile } from './percentile.ts'

/** numpy.percentile([3, 1, 2, 10], q) */
test.each([
  [0, 1],
  [25, 1.75],
  [50, 2.5],
  [90, 7.9],
  [100, 10],
])('the %dth percentile of 1, 2, 3 and 10 is %d', (percent, value) => {
  expect(percentile([3, 1, 2, 10], percent)).toBeCloseTo(value, 14)
})
