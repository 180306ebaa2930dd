import { HIGHEST, LN2_HIGH, LN2_LOW, LOG2_E, LOWEST, SHIFT, TERMS } from '../math/fast-exp.ts'
import { Code, compileModule, I32, instantiateModule, type Local, V128 } from './encoder.ts'

/** Vectors computed side by side, so that one step waits for none of its own. */
const VECTORS = 4
/** Values that one round takes. */
export const ROUND_VALUES = VECTORS * 2

/** Replaces values in memory, whole rounds of them from an address on, by `fastExp` of each. */
export type ExpKernel = (at: number, rounds: number) => void

export function instantiateExp(memory: WebAssembly.Memory): ExpKernel {
  return instantiateModule(compileModule({ run: expFunction() }, 'own'), memory).run as ExpKernel
}

/** Two lanes of a constant. */
const both = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value, value).buffer)

function expFunction(): Code {
  const code = new Code([I32, I32])
  const [at, rounds] = [0, 1] as const
  const lanes = Array.from({ length: VECTORS }, () => {
    const [x, shifted, r, series] = code.locals(4, V128) as [Local, Local, Local, Local]
    return { x, shifted, r, series }
  })
  code.repeat(() => {
    for (const [i, { x, shifted, r, series }] of lanes.entries()) {
      code
        .get(at)
        .at('v128.load', i * 16)
        .tee(x)
      code.v128(both(LOG2_E)).op('f64x2.mul').v128(both(SHIFT)).op('f64x2.add').tee(shifted)
      code.v128(both(SHIFT)).op('f64x2.sub').set(series)
      code.get(x).get(series).v128(both(LN2_HIGH)).op('f64x2.mul', 'f64x2.sub')
      code.get(series).v128(both(LN2_LOW)).op('f64x2.mul', 'f64x2.sub').set(r)
      code.v128(both(TERMS[0]!)).set(series)
    }
    for (const term of TERMS.slice(1))
      for (const { r, series } of lanes)
        code.get(series).get(r).op('f64x2.mul').v128(both(term)).op('f64x2.add').set(series)
    for (const [i, { x, shifted, series }] of lanes.entries()) {
      code.get(at)
      // The nearest integer goes to the exponent.
      code.get(series).get(shifted).i32(52).op('i64x2.shl', 'i64x2.add')
      code.get(x).v128(both(LOWEST)).op('f64x2.ge', 'v128.and')
      code.v128(both(Number.POSITIVE_INFINITY))
      code.get(x).v128(both(HIGHEST)).op('f64x2.le', 'v128.bitselect')
      // Of NaN, which is neither, all bits are set.
      code
        .get(x)
        .get(x)
        .op('f64x2.ne', 'v128.or')
        .at('v128.store', i * 16)
    }
    code.advance(at, VECTORS * 16)
    code.get(rounds).i32(1).op('i32.sub').tee(rounds)
  })
  return code
}
