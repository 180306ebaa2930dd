import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { exp, expf, fma, log } from './glibc.ts'

const COUNT = 8192
const expected = readFileSync(new URL('./fixtures/glibc-2.36-x86_64-fma.bin', import.meta.url)).buffer

/** The generator of fixtures/glibc.c. */
function generator(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const unit = (): number => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992
  const positive = (): number => {
    const high = next() % 0x7ff00000
    return new Float64Array(new Uint32Array([next(), high]).buffer)[0]!
  }
  return { unit, positive }
}

const { unit, positive } = generator(1)
const expInputs = Array.from({ length: COUNT }, () => unit() * 1456 - 746)
const logInputs = Array.from({ length: COUNT }, (_, i) => (i % 2 ? 0.9 + unit() * 0.2 : positive()))
const expfInputs = Array.from({ length: COUNT }, () => Math.fround(unit() * 193 - 104))

test.each([
  ['exp', exp, expInputs, new Float64Array(expected, 0, COUNT)],
  ['log', log, logInputs, new Float64Array(expected, COUNT * 8, COUNT)],
  ['expf', expf, expfInputs, new Float32Array(expected, COUNT * 16, COUNT)],
] as const)('%s answers the bits of glibc on 8192 arguments', (_, f, inputs, outputs) => {
  const different = inputs.filter((x, i) => !Object.is(f(x), outputs[i]!))

  expect(different).toEqual([])
})

// python3 -c "import math; print(math.exp(x), math.log(x))"; expf through ctypes.
test.each([
  [exp, 0, 1],
  [exp, -0, 1],
  [exp, Number.NaN, Number.NaN],
  [exp, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  [exp, Number.NEGATIVE_INFINITY, 0],
  [exp, 709.782712893384, 1.7976931348622732e308],
  [exp, 709.7827128933841, Number.POSITIVE_INFINITY],
  [exp, 1e300, Number.POSITIVE_INFINITY],
  [exp, -708.3964185322641, 2.2250738585072626e-308],
  [exp, -708.4, 2.217119081664265e-308],
  [exp, -745.1332191019411, 5e-324],
  [exp, -745.1332191019412, 0],
  [exp, -1e300, 0],
  [exp, 1e-300, 1],
  [expf, 0, 1],
  [expf, Number.NaN, Number.NaN],
  [expf, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  [expf, Number.NEGATIVE_INFINITY, 0],
  [expf, 88.72283172607422, 3.402798519021476e38],
  [expf, 88.72283935546875, Number.POSITIVE_INFINITY],
  [expf, -103.97207641601562, 1.401298464324817e-45],
  [expf, -103.97208404541016, 0],
  [log, 0, Number.NEGATIVE_INFINITY],
  [log, -0, Number.NEGATIVE_INFINITY],
  [log, -1, Number.NaN],
  [log, Number.NaN, Number.NaN],
  [log, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  [log, 1, 0],
  [log, 5e-324, -744.4400719213812],
  [log, 2.225073858507201e-308, -708.3964185322641],
  [log, 1.7976931348623157e308, 709.782712893384],
] as const)('edge: %o of %d is %d', (f, x, y) => {
  expect(f(x)).toBe(y)
})

test('fma rounds once where rounding twice would differ', () => {
  // python3 -c "from fractions import Fraction as F; print(float(F(a) * F(b) + F(c)))"
  const [a, b] = [1 + 2 ** -30, 1 - 2 ** -30] // their product is 1 − 2⁻⁶⁰, just beside the middle of two sums
  const odd = 2 ** 53 + 2
  expect(fma(a, b, odd)).toBe(odd)
  expect(fma(a, b, -odd)).toBe(-odd)
  expect(fma(-a, b, odd)).toBe(odd)
  expect(fma(-a, b, -odd)).toBe(-odd)
  expect(fma(a, a, -1 - 2 ** -29)).toBe(2 ** -60)
})
