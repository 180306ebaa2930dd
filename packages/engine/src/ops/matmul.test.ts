import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { linear } from './matmul.ts'
import { numbers } from './op.ts'

const double = fc.double({ noNaN: true, min: -1e6, max: 1e6 })

describe('linear', () => {
  test('adds the bias after the products', () => {
    const attrs = { weights: Float64Array.of(1e16, 1), bias: Float64Array.of(-1e16), single: false }

    expect(linear.ref(attrs, [[1, 1]])).toEqual([0])
  })

  test('rounds every product and sum to float32 when both sides are', () => {
    const attrs = { weights: Float64Array.of(1, 1), bias: Float64Array.of(0), single: true }

    expect(linear.ref(attrs, [[2 ** 24, 1]])).toEqual([2 ** 24])
  })

  test.each([false, true])('gives the same bits in blocks (float32: %s)', (single) => {
    const matrices = fc.record({
      weights: fc.array(double, { minLength: 6, maxLength: 6 }),
      bias: fc.array(double, { minLength: 2, maxLength: 2 }),
      rows: fc.array(fc.array(double, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
    })
    const round = (values: readonly number[]) =>
      single ? Float64Array.from(values, Math.fround) : Float64Array.from(values)

    fc.assert(
      fc.property(matrices, ({ weights, bias, rows }) => {
        const input = rows.map((row) => Array.from(round(row)))
        const { ref, block } = bothForms(
          linear,
          { weights: round(weights), bias: round(bias), single },
          input,
        )
        expect(block).toEqual(ref)
      }),
    )
  })

  test('gives the same bits whatever the numbers of rows, columns and outputs', () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 37 }),
      columns: fc.integer({ min: 1, max: 9 }),
      outputs: fc.integer({ min: 1, max: 19 }),
      pool: fc.array(fc.double(), { minLength: 5, maxLength: 40 }),
    })

    fc.assert(
      fc.property(shape, ({ rows, columns, outputs, pool }) => {
        const take = (count: number, from: number) =>
          Float64Array.from({ length: count }, (_, i) => pool[(i * 7 + from) % pool.length]!)
        const attrs = { weights: take(outputs * columns, 0), bias: take(outputs, 1), single: false }
        const input = Array.from({ length: rows }, (_, row) => Array.from(take(columns, row)))
        const { ref, block } = bothForms(linear, attrs, input)
        expect(block).toEqual(ref)
      }),
    )
  })

  test('refuses weights that do not fit the columns', () => {
    const attrs = { weights: new Float64Array(5), bias: new Float64Array(2), single: false }

    expect(() => linear.infer(attrs, [numbers(3)])).toThrow('linear: 5 weights for 3 columns and 2 outputs')
  })
})
