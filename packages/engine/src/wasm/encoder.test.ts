import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Code, compileModule, F64, I32, instantiateModule, signed, unsigned } from './encoder.ts'

const number = fc.oneof(fc.integer(), fc.integer({ min: -300, max: 300 }))

test('unsigned and signed numbers read back as the specification reads LEB128', () => {
  fc.assert(
    fc.property(number, (value) => {
      const read = (bytes: readonly number[]): bigint =>
        bytes.reduce((sum, byte, i) => sum | (BigInt(byte & 0x7f) << BigInt(7 * i)), 0n)
      expect(read(unsigned(value))).toBe(BigInt(value >>> 0))
      const bytes = signed(value)
      expect(BigInt.asIntN(7 * bytes.length, read(bytes))).toBe(BigInt(value))
    }),
  )
})

test('every byte but the last of a number says that more follow', () => {
  fc.assert(
    fc.property(number, (value) => {
      for (const bytes of [unsigned(value), signed(value)])
        expect(bytes.map((byte) => byte >= 0x80)).toEqual(bytes.map((_, i) => i < bytes.length - 1))
    }),
  )
})

test('a module runs: memory, locals, constants of any size and loops', () => {
  const code = new Code([I32, I32])
  const [at, times, sum] = [0, 1, code.local(F64)]
  code.repeat(() => {
    code.get(sum).get(at).at('f64.load', 200).op('f64.add').set(sum)
    code.advance(at, 8)
    code.get(times).i32(1).op('i32.sub').tee(times)
  })
  code.i32(70_000).get(sum).at('f64.store', 8)
  const memory = new WebAssembly.Memory({ initial: 2 })
  const exports = instantiateModule(compileModule({ sum: code }, 'own'), memory)
  new Float64Array(memory.buffer).set([1, 2.5, 4], (16 + 200) / 8)

  ;(exports.sum as (at: number, times: number) => void)(16, 3)

  expect(new Float64Array(memory.buffer)[70_008 / 8]).toBe(7.5)
})
