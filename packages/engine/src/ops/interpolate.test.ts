import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { interpolate } from './interpolate.ts'
import { numbers } from './op.ts'

const points = {
  x: Float64Array.of(0, 1, 1, 3),
  y: Float64Array.of(0, 10, 20, 40),
  range: [0, 3],
  outside: 'nan',
  single: false,
} as const

describe('interpolate', () => {
  test('follows numpy.interp: the last of equal points, the line between two others', () => {
    // numpy.interp([0, 0.25, 1, 1.5, 3], [0, 1, 1, 3], [0, 10, 20, 40])
    const rows = [[0], [0.25], [1], [1.5], [3]]

    const { ref, block } = bothForms(interpolate, points, rows)

    expect(ref.flat()).toEqual([0, 2.5, 20, 25, 40])
    expect(block).toEqual(ref)
  })

  test('float32 thresholds follow scipy: the segment ends at the first point that is not below', () => {
    const { ref, block } = bothForms(interpolate, { ...points, single: true }, [[1], [1.5], [0]])

    expect(ref.flat()).toEqual([10, 25, 0])
    expect(block).toEqual(ref)
  })

  test.each([
    ['nan', [Number.NaN, Number.NaN, Number.NaN]],
    ['clip', [0, 40, Number.NaN]],
  ] as const)('outside the range, %s', (outside, expected) => {
    const { ref } = bothForms(interpolate, { ...points, outside }, [[-1], [4], [Number.NaN]])

    expect(ref.flat()).toEqual(expected)
  })

  test('outside the range, raise blames the row', () => {
    expect(() => interpolate.ref({ ...points, outside: 'raise' }, [[4]])).toThrow(
      'lies outside the range seen in training',
    )
  })

  test.each([
    ['x must ascend', { x: Float64Array.of(0, 2, 1, 3) }],
    ['two points or more', { x: Float64Array.of(0, 1) }],
    ['the range is empty', { range: [3, 0] as const }],
  ])('refuses points where %s', (message, change) => {
    expect(() => interpolate.infer({ ...points, ...change }, [numbers(1)])).toThrow(message)
  })
})
