import { expect, test } from 'vitest'
import { digamma, erf } from './special.ts'

/** python3 -c "import math; [print(x, math.erf(x)) for x in (…)]" */
test.each([
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1.5, 0.9661051464753108],
  [2.4999, 0.9995928300996666],
  [2.5001, 0.9995932657565293],
  [4, 0.9999999845827421],
  [7, 1],
])('erf(%d) is %d, and odd', (x, value) => {
  expect(Math.abs(erf(x) - value)).toBeLessThan(4e-16)
  expect(erf(-x)).toBe(-erf(x))
})

test('erf of 0 is 0 and of NaN is NaN', () => {
  expect(erf(0)).toBe(0)
  expect(erf(Number.NaN)).toBeNaN()
})

test('digamma is −γ at 1 and −γ − 2 ln 2 at a half', () => {
  const gamma = 0.5772156649015329

  expect(digamma(1)).toBeCloseTo(-gamma, 14)
  expect(digamma(0.5)).toBeCloseTo(-gamma - 2 * Math.LN2, 14)
  expect(digamma(0)).toBeNaN()
})

test('digamma grows by 1 / x from x to x + 1', () => {
  for (const x of [0.3, 2.7, 9.9, 10.1, 250]) expect(digamma(x + 1) - digamma(x)).toBeCloseTo(1 / x, 13)
})
