import { elementwise } from './elementwise.ts'

const HALF_TURN = 180

/** numpy's elementwise functions of one number, by numpy's name. */
const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  abs: Math.abs,
  absolute: Math.abs,
  fabs: Math.abs,
  arccos: Math.acos,
  arccosh: Math.acosh,
  arcsin: Math.asin,
  arcsinh: Math.asinh,
  arctan: Math.atan,
  arctanh: Math.atanh,
  cbrt: Math.cbrt,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg2rad: (x) => x * (Math.PI / HALF_TURN),
  degrees: (x) => x * (HALF_TURN / Math.PI),
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  floor: Math.floor,
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  negative: (x) => -x,
  positive: (x) => x,
  rad2deg: (x) => x * (HALF_TURN / Math.PI),
  radians: (x) => x * (Math.PI / HALF_TURN),
  reciprocal: (x) => 1 / x,
  rint: roundHalfEven,
  sign: Math.sign,
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  tan: Math.tan,
  tanh: Math.tanh,
  trunc: Math.trunc,
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x)
  const rest = x - down
  if (rest !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : -(-down - 1)
}

/** A numpy function of every element; like numpy's, log(-1) is NaN and no error. */
export const numpyFunction = elementwise<{ name: string }>({
  name: 'numpy-function',
  validate({ name }) {
    if (!Object.hasOwn(FUNCTIONS, name)) throw new RangeError(`numpy-function: numpy.${name} is not known`)
  },
  at: ({ name }) => FUNCTIONS[name]!,
})
