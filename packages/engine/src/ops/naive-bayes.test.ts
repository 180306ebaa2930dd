import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { categoricalLogJoint, gaussianLogJoint } from './naive-bayes.ts'
import { numbers } from './op.ts'

describe('gaussianLogJoint', () => {
  const attrs = {
    means: Float64Array.of(0, 1, 2, 3),
    variances: Float64Array.of(1, 4, 0.25, 1),
    logPriors: Float64Array.of(-0.5, -1),
    logNorms: Float64Array.of(-2, -3),
  }

  test('subtracts half the squared distance in units of variance', () => {
    expect(gaussianLogJoint.ref(attrs, [[0, 3]])).toEqual([-3, -12])
  })

  test('gives the same bits in blocks', () => {
    const value = fc.double({ noNaN: true, min: -1e6, max: 1e6 })
    const rows = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 5 })

    fc.assert(
      fc.property(rows, (input) => {
        const { ref, block } = bothForms(gaussianLogJoint, attrs, input)
        expect(block).toEqual(ref)
      }),
    )
  })

  test('refuses parameters of other columns', () => {
    expect(() => gaussianLogJoint.infer(attrs, [numbers(3)])).toThrow(
      'parameters do not fit 2 classes of 3 columns',
    )
  })
})

describe('categoricalLogJoint', () => {
  const attrs = {
    logProbabilities: [Float64Array.of(-1, -2, -3, -4), Float64Array.of(-5, -6)],
    logPriors: Float64Array.of(-0.5, -0.25),
  }

  test('adds one table entry per column, codes truncated towards zero', () => {
    const { ref, block } = bothForms(categoricalLogJoint, attrs, [
      [1.9, 0],
      [-0.5, 1e-40],
    ])

    expect(ref).toEqual([
      [-7.5, -10.25],
      [-6.5, -9.25],
    ])
    expect(block).toEqual(ref)
  })

  test.each([
    [[2, 0], 'category code 2 was not seen in training, the codes are 0 to 1'],
    [[-1, 0], 'a category code is negative'],
  ])('blames the row for the codes %j', (row, message) => {
    expect(() => categoricalLogJoint.ref(attrs, [row])).toThrow(message)
  })

  test('refuses a table without one row per class', () => {
    const broken = { ...attrs, logProbabilities: [Float64Array.of(-1, -2, -3), Float64Array.of(-5, -6)] }

    expect(() => categoricalLogJoint.infer(broken, [numbers(2)])).toThrow(
      'a table does not hold one row per class',
    )
  })
})
