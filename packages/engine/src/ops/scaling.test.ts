import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { inverseBoxCox, inverseQuantileTransform, inverseYeoJohnson } from './inverses.ts'
import { numbers } from './op.ts'
import { arithmetic, boxCox, normalize, quantileTransform, yeoJohnson } from './scaling.ts'

const values = fc.double({ min: -50, max: 50, noNaN: true })
const lambdas = fc.double({ min: -2, max: 4, noNaN: true }).map((lambda) => Math.round(lambda * 100) / 100)

describe('arithmetic', () => {
  test('every step is rounded before the next', () => {
    const steps = [
      { by: 'subtract', values: Float64Array.of(0.1) },
      { by: 'divide', values: Float64Array.of(3) },
    ] as const

    const { ref, block } = bothForms(arithmetic, { steps, single: false }, [[0.7]])

    expect(ref).toEqual([[(0.7 - 0.1) / 3]])
    expect(block).toEqual(ref)
  })

  test('a float32 row stays float32', () => {
    const attrs = { steps: [{ by: 'add', values: Float64Array.of(0.1) }] as const, single: true }

    expect(arithmetic.infer(attrs, [numbers(1, 'f32')])).toEqual(numbers(1, 'f32'))
    expect(arithmetic.ref(attrs, [[0.5]])).toEqual([Math.fround(0.6)])
  })

  test('constants must fit the columns', () => {
    const attrs = { steps: [{ by: 'add', values: Float64Array.of(1, 2) }] as const, single: false }

    expect(() => arithmetic.infer(attrs, [numbers(3)])).toThrow('arithmetic: 2 constants for 3 columns')
  })
})

describe('normalize', () => {
  test.each([
    ['l1', [[0.25, -0.75]]],
    ['l2', [[1 / Math.sqrt(10), -3 / Math.sqrt(10)]]],
    ['max', [[1 / 3, -1]]],
  ])('%s', (norm, expected) => {
    const { ref, block } = bothForms(normalize, { norm, least: 1e-15 }, [[1, -3]])

    expect(ref).toEqual(expected)
    expect(block).toEqual(ref)
  })

  test('a row of zeros stays as it is', () => {
    expect(bothForms(normalize, { norm: 'l2', least: 1e-15 }, [[0, 0]]).block).toEqual([[0, 0]])
  })
})

describe('power transforms', () => {
  test('Yeo-Johnson comes back through its inverse', () => {
    fc.assert(
      fc.property(values, lambdas, (value, lambda) => {
        const attrs = { lambdas: Float64Array.of(lambda) }
        const there = bothForms(yeoJohnson, attrs, [[value]]).block
        const back = bothForms(inverseYeoJohnson, attrs, there).block[0]![0]!
        expect(Math.abs(back - value)).toBeLessThan(1e-6 * Math.max(1, value ** 2))
      }),
    )
  })

  test('Box-Cox comes back through its inverse', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 50, noNaN: true }), lambdas, (value, lambda) => {
        const attrs = { lambdas: Float64Array.of(lambda) }
        const there = bothForms(boxCox, attrs, [[value]]).block
        expect(bothForms(inverseBoxCox, attrs, there).block[0]![0]).toBeCloseTo(value, 6)
      }),
    )
  })

  test('Box-Cox refuses what is not positive', () => {
    expect(() => bothForms(boxCox, { lambdas: Float64Array.of(1) }, [[0]])).toThrow('positive numbers only')
  })
})

describe('quantile transform', () => {
  const attrs = {
    quantiles: [Float64Array.of(0, 2, 2, 2, 10)],
    references: Float64Array.of(0, 0.25, 0.5, 0.75, 1),
    normal: false,
    near: false,
  }

  test('a repeated quantile lies in the middle of its shares', () => {
    expect(bothForms(quantileTransform, attrs, [[2]]).block).toEqual([[0.5]])
  })

  test('values outside those seen in training are the outermost shares', () => {
    expect(bothForms(quantileTransform, attrs, [[-1], [99], [Number.NaN]]).block).toEqual([
      [0],
      [1],
      [Number.NaN],
    ])
  })

  test('near the ends counts as the ends, and shares keep away from 0 and 1, where the version says so', () => {
    const { ref, block } = bothForms(quantileTransform, { ...attrs, near: true }, [[5e-8], [10 - 5e-8], [-1]])

    // numpy: 1e-7 - np.spacing(1)
    expect(ref).toEqual([[9.999999977795539e-8], [0.9999999000000003], [9.999999977795539e-8]])
    expect(block).toEqual(ref)
  })

  test.each([false, true])('a share goes back to its quantile (normal: %s)', (normal) => {
    const there = bothForms(quantileTransform, { ...attrs, normal, near: normal }, [
      [0],
      [1],
      [6],
      [10],
    ]).block

    const back = bothForms(inverseQuantileTransform, { ...attrs, normal }, there).block

    for (const [i, value] of [0, 1, 6, 10].entries()) expect(back[i]![0]).toBeCloseTo(value, 9)
  })
})
