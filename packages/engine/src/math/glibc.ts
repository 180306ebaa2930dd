import { LOG_TABLE } from './log-table.ts'

/**
 * exp, expf and log as glibc ≥ 2.28 computes them on x86-64 with FMA, bit for bit. Models compiled against the C
 * library (scipy's expit, XGBoost, LightGBM) get their probabilities from these, and `Math.exp` differs in about one
 * value of ten.
 *
 * Algorithms and coefficients: Arm Optimized Routines, math/{exp,expf,log}.c and their data files (MIT). Which products
 * are fused is the choice gcc makes there with `-mfma`; `fixtures/glibc.c` holds us to the real library.
 */

/** One double seen as two words, low one first: every machine Node runs models on is little-endian, as WebAssembly is. */
const double = new Float64Array(1)
const words = new Int32Array(double.buffer)
const LOW = 0
const HIGH = 1

const SPLIT = 2 ** 27 + 1

/**
 * a·b + c rounded once. Exact while |a|, |b| < 2^996 and no intermediate is subnormal, which holds for every use here.
 * Product and sum are split without error (Dekker, Knuth): a·b + c = sum + sumTail + productTail. Adding the two tails
 * first may round, which matters only when sum + tail then falls beside the middle of two doubles.
 */
export function fma(a: number, b: number, c: number): number {
  const product = a * b
  let t = SPLIT * a
  const ah = t - (t - a)
  const al = a - ah
  t = SPLIT * b
  const bh = t - (t - b)
  const bl = b - bh
  const productTail = ah * bh - product + ah * bl + al * bh + al * bl
  const sum = product + c
  t = sum - product
  const sumTail = product - (sum - t) + (c - t)
  const tail = sumTail + productTail
  const result = sum + tail
  const left = tail - (result - sum)
  if (result + left * BESIDE === result) return result
  return sum + addToOdd(sumTail, productTail)
}

const BESIDE = 1 + 2 ** -51

/** a + b rounded to the neighbour whose last bit is 1 unless exact, so that a wider rounding after it is correct
 * (Boldo & Melquiond 2008). */
function addToOdd(a: number, b: number): number {
  const sum = a + b
  const t = sum - a
  const rest = a - (sum - t) + (b - t)
  double[0] = sum
  if (rest === 0 || (words[LOW]! & 1) === 1) return sum
  if (rest > 0 === sum > 0) words[LOW] = words[LOW]! | 1
  else {
    if (words[LOW] === 0) words[HIGH] = words[HIGH]! - 1
    words[LOW] = words[LOW]! - 1
  }
  return double[0]!
}

const EXP_N = 128
const SCALE_BITS = 200n

/** floor(√(value · 2^200)): a square root in fixed point. */
function squareRoot(value: bigint): bigint {
  const target = value << SCALE_BITS
  let x = 1n << (SCALE_BITS + 1n)
  for (;;) {
    const next = (x + target / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

/** 2^(i/128): nearest double, and what it is short of, relative to it. */
function powersOfTwo(): { nearest: Float64Array; tail: Float64Array } {
  const nearest = new Float64Array(EXP_N)
  const tail = new Float64Array(EXP_N)
  const roots: bigint[] = []
  for (let bit = 0; bit < 7; bit++) roots.push(squareRoot(roots.at(-1) ?? 2n << SCALE_BITS))
  for (let i = 0; i < EXP_N; i++) {
    let exact = 1n << SCALE_BITS
    for (let bit = 0; bit < 7; bit++) if ((i >> (6 - bit)) & 1) exact = (exact * roots[bit]!) >> SCALE_BITS
    const half = 1n << (SCALE_BITS - 53n)
    const mantissa = (exact + half) >> (SCALE_BITS - 52n)
    const rounded = mantissa << (SCALE_BITS - 52n)
    nearest[i] = Number(mantissa) / 2 ** 52
    tail[i] = Number(((exact - rounded) << SCALE_BITS) / rounded) / 2 ** Number(SCALE_BITS)
  }
  return { nearest, tail }
}

const { nearest: EXP_NEAREST, tail: EXP_TAIL } = powersOfTwo()

const SHIFT = 6755399441055744 // 1.5 · 2^52: adding it leaves round(x) in the low word
const NEG_LN2_HIGH = -0.005415212348111709 // −ln 2 / 128 in two parts
const NEG_LN2_LOW = -1.2864023111638346e-14
const EXP_C2 = 0.49999999999996786
const EXP_C3 = 0.16666666666665886
const EXP_C4 = 0.0416666808410674
const EXP_C5 = 0.008333335853059549

/**
 * e^x, equal to glibc's `exp`.
 *   x = (k/128) ln 2 + r;  e^x = 2^⌊k/128⌋ · 2^((k mod 128)/128) · (1 + r + r²/2 + …)
 */
export function exp(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude < 2 ** -54) return 1 + x
  if (!(magnitude < 1024)) return Number.isNaN(x) ? x : x > 0 ? Number.POSITIVE_INFINITY : 0
  const shifted = fma(Math.LOG2E * EXP_N, x, SHIFT)
  double[0] = shifted
  const k = words[LOW]!
  const steps = shifted - SHIFT
  const r = fma(steps, NEG_LN2_LOW, fma(steps, NEG_LN2_HIGH, x))
  const r2 = r * r
  const i = k & (EXP_N - 1)
  const quadratic = fma(r2, fma(r, EXP_C3, EXP_C2), EXP_TAIL[i]! + r)
  const fraction = fma(r2 * r2, fma(r, EXP_C5, EXP_C4), quadratic)
  if (magnitude >= 512) return farExp(EXP_NEAREST[i]!, k >> 7, fraction)
  const scale = timesPowerOfTwo(EXP_NEAREST[i]!, k >> 7)
  return fma(scale, fraction, scale)
}

/** value · 2^power by the exponent bits; the result must be a normal number. */
function timesPowerOfTwo(value: number, power: number): number {
  double[0] = value
  words[HIGH] = words[HIGH]! + (power << 20)
  return double[0]!
}

/** Ends of the range, where the scale itself may overflow or the result be subnormal and must be rounded once. */
function farExp(nearest: number, power: number, fraction: number): number {
  if (power > 0) {
    const scale = timesPowerOfTwo(nearest, power - 1009)
    return fma(scale, fraction, scale) * 2 ** 1009
  }
  const scale = timesPowerOfTwo(nearest, power + 1022)
  const growth = scale * fraction // used twice, so gcc does not fuse it
  let y = scale + growth
  if (y < 1) {
    const lost = scale - y + growth
    const sum = 1 + y
    y = sum + (1 - sum + y + lost) - 1
  }
  return y * 2 ** -1022
}

const EXPF_C0 = 1.6938359250920212e-6
const EXPF_C1 = 0.00023459809789509004
const EXPF_C2 = 0.021660849396613134

/** e^x for a float32 x, equal to glibc's `expf`: as `exp` with 32 steps, in float64, rounded to float32 at the end. */
export function expf(x: number): number {
  if (!(Math.abs(x) < 88)) {
    if (Number.isNaN(x)) return x
    if (x > 88.72283172607422) return Number.POSITIVE_INFINITY
    if (x < -103.97207641601562) return 0
  }
  const shifted = fma(Math.LOG2E * 32, x, SHIFT)
  double[0] = shifted
  const k = words[LOW]!
  const r = fma(Math.LOG2E * 32, x, -(shifted - SHIFT))
  const scale = timesPowerOfTwo(EXP_NEAREST[(k & 31) << 2]!, k >> 5)
  const cubic = fma(EXPF_C0, r, EXPF_C1)
  return Math.fround(fma(cubic, r * r, fma(EXPF_C2, r, 1)) * scale)
}

/** 1/c and log c, interleaved. */
const LOG_PAIRS = new Float64Array(Uint8Array.from(atob(LOG_TABLE), (c) => c.charCodeAt(0)).buffer)
const LN2_HIGH = 0.6931471805598903
const LN2_LOW = 5.497923018708371e-14
const LOG_OFFSET = 0x3fe60000 // high word of 0.6875
const [A0, A1, A2, A3, A4] = [
  -0.5000000000000001, 0.33333333331825593, -0.2499999999622955, 0.20000304511814496, -0.16667054827627667,
] as const
const [B1, B2, B3, B4, B5, B6, B7, B8, B9, B10] = [
  0.3333333333333352, -0.24999999999998432, 0.19999999999320328, -0.16666666669929706, 0.14285715076560868,
  -0.12499997863982555, 0.11110712032936046, -0.10000486757818193, 0.09181994006195467, -0.08328363062289341,
] as const

/**
 * Natural logarithm, equal to glibc's `log`.
 *   x = 2^k · z, r = z/c − 1;  log x = k ln 2 + log c + log1p(r)
 */
export function log(x: number): number {
  if (x >= 0.9375 && x < 1.064697265625) return logNearOne(x)
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return Math.log(x) // 0, ∞, NaN, negative: exact cases
  const subnormal = x < 2 ** -1022
  double[0] = subnormal ? x * 2 ** 52 : x
  const offset = words[HIGH]! - LOG_OFFSET
  const i = (offset >> 13) & 127
  const k = (offset >> 20) - (subnormal ? 52 : 0)
  words[HIGH] = words[HIGH]! - (offset & 0xfff00000)
  const r = fma(double[0]!, LOG_PAIRS[2 * i]!, -1)
  const w = fma(k, LN2_HIGH, LOG_PAIRS[2 * i + 1]!)
  const high = w + r
  const low = fma(k, LN2_LOW, w - high + r)
  const r2 = r * r
  const cubic = fma(r2, fma(r, A4, A3), fma(r, A2, A1))
  return fma(r * r2, cubic, fma(r2, A0, low)) + high
}

/** Within 1/16 of one the table would cancel: a polynomial of degree 11, its quadratic term in two parts. */
function logNearOne(x: number): number {
  const r = x - 1
  const r2 = r * r
  const r3 = r * r2
  const top = fma(r3, B10, fma(r2, B9, fma(r, B8, B7)))
  const middle = fma(r3, top, fma(r2, B6, fma(r, B5, B4)))
  const series = fma(r3, middle, fma(r2, B3, fma(r, B2, B1)))
  const shifted = r * 2 ** 27
  const rHigh = r + shifted - shifted
  const square = rHigh * rHigh * -0.5
  const high = r + square
  const low = fma(-0.5 * (r - rHigh), rHigh + r, r - high + square)
  return fma(r3, series, low) + high
}
