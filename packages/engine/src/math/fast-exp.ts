/**
 * e^x to a unit and a half in the last place, in operations that WebAssembly has for two numbers at once: the kernel in
 * wasm/exp-kernel.ts does the same ones in the same order, so both have the same bits.
 *   k = x / ln 2 to the nearest integer, r = x − k ln 2;  e^x = 2^k · (1 + r + r²/2 + … + r¹³/13!)
 * Below −708, where doubles get sparse, it is 0.
 */
export function fastExp(x: number): number {
  if (!(x >= LOWEST)) return Number.isNaN(x) ? x : 0
  if (x > HIGHEST) return Number.POSITIVE_INFINITY
  double[0] = x * LOG2_E + SHIFT
  const steps = double[0] - SHIFT
  const k = words[LOW]!
  const r = x - steps * LN2_HIGH - steps * LN2_LOW
  let series = TERMS[0]!
  for (let i = 1; i < TERMS.length; i++) series = series * r + TERMS[i]!
  double[0] = series
  words[HIGH] = words[HIGH]! + (k << 20)
  return double[0]
}

/** One double seen as two words, low one first. */
const double = new Float64Array(1)
const words = new Int32Array(double.buffer)
const LOW = 0
const HIGH = 1

export const LOWEST = -708
export const HIGHEST = 709.782712893384
export const LOG2_E = Math.LOG2E
/** 1.5 · 2^52: adding it leaves the nearest integer in the low bits. */
export const SHIFT = 6755399441055744
/** ln 2 in two parts, the first short enough that a multiple of it is exact. */
export const LN2_HIGH = 0.6931471803691238
export const LN2_LOW = 1.9082149292705877e-10

/** 1/13! … 1/1!, 1 */
export const TERMS: readonly number[] = Array.from({ length: 14 }, (_, i) => {
  let factorial = 1
  for (let n = 2; n <= 13 - i; n++) factorial *= n
  return 1 / factorial
})
