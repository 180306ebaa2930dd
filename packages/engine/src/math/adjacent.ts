const double = new Float64Array(1)
const doubleBits = new BigInt64Array(double.buffer)
const single = new Float32Array(1)
const singleBits = new Int32Array(single.buffer)

/** The next float64 above `x`; ∞ and NaN are their own. */
export function nextUp64(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x
  if (x === 0) return 5e-324
  double[0] = x
  doubleBits[0]! += x > 0 ? 1n : -1n
  return double[0]!
}

/** The next float32 above the float32 `x`; ∞ and NaN are their own. */
export function nextUp32(x: number): number {
  if (Number.isNaN(x) || x === Number.POSITIVE_INFINITY) return x
  if (x === 0) return 2 ** -149
  single[0] = x
  singleBits[0]! += x > 0 ? 1 : -1
  return single[0]!
}

/** The next float64 below `x`; −∞ and NaN are their own. */
export const nextDown64 = (x: number): number => -nextUp64(-x)

/** The next float32 below the float32 `x`; −∞ and NaN are their own. */
export const nextDown32 = (x: number): number => -nextUp32(-x)

/** The bits of a float32, −0 as 0, as an integer that is ordered like the numbers; NaN is the largest. */
export function orderedBits32(x: number): number {
  if (Number.isNaN(x)) return 0x7fffffff
  single[0] = x + 0
  return singleBits[0]! ^ ((singleBits[0]! >> 31) & 0x7fffffff)
}

/** The same of a float64. */
export function orderedBits64(x: number): bigint {
  if (Number.isNaN(x)) return 0x7fffffffffffffffn
  double[0] = x + 0
  return doubleBits[0]! ^ ((doubleBits[0]! >> 63n) & 0x7fffffffffffffffn)
}
