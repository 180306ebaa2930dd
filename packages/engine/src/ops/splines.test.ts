import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { RowError } from '../errors.ts'
import { splineBasis } from './splines.ts'

/** Knots 0 … 7 for degree 3: the domain is 3 … 4, with 4 basis functions. */
const uniform = {
  degree: 3,
  knots: [Float64Array.of(0, 1, 2, 3, 4, 5, 6, 7)],
  coefficients: [Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0))],
  outputs: 4,
  outside: 'constant',
} as const

test('a cubic spline over even knots is 1/6, 4/6, 1/6 at a knot', () => {
  const { ref, block } = bothForms(splineBasis, uniform, [[3], [4]])

  for (const [row, expected] of [
    [0, [1 / 6, 4 / 6, 1 / 6, 0]],
    [1, [0, 1 / 6, 4 / 6, 1 / 6]],
  ] as const)
    expected.forEach((value, k) => {
      expect(ref[row]![k]).toBeCloseTo(value, 15)
    })
  expect(block).toEqual(ref)
})

test('inside of the knots the splines add up to one, outside every way goes on from the edge', () => {
  const at = (outside: 'constant' | 'linear' | 'continue' | 'periodic', x: number) =>
    bothForms(splineBasis, { ...uniform, outside }, [[x]]).ref[0]!
  const sum = (row: readonly number[]) => row.reduce((a, b) => a + b)

  for (const x of [3, 3.2, 3.5, 3.99]) expect(sum(at('constant', x))).toBeCloseTo(1, 14)
  expect(at('constant', 2)).toEqual([...at('constant', 3).slice(0, 3), 0])
  expect(at('periodic', 4.25)).toEqual(at('constant', 3.25))
  expect(at('periodic', 2.25)).toEqual(at('constant', 3.25))
  expect(at('linear', 2)[0]).toBeCloseTo(1 / 6 + 0.5, 14)
  expect(at('linear', 5)[3]).toBeCloseTo(1 / 6 + 0.5, 14)
  expect(at('continue', 2)[0]).toBeCloseTo(8 / 6, 14)
})

test('beyond the knots a row can be refused', () => {
  const strict = { ...uniform, outside: 'error' } as const

  expect(bothForms(splineBasis, strict, [[4]]).block).toEqual(bothForms(splineBasis, uniform, [[4]]).ref)
  expect(() => bothForms(splineBasis, strict, [[4.001]])).toThrow(RowError)
})

test('coefficients that do not fit the knots are refused', () => {
  expect(() => bothForms(splineBasis, { ...uniform, knots: [Float64Array.of(0, 1, 2)] }, [[1]])).toThrow(
    'do not fit',
  )
  expect(() => bothForms(splineBasis, uniform, [[1, 2]])).toThrow('1 splines for 2 columns')
})
