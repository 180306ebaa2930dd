import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { forwardSubstitution, gaussianLogistic, logSumExp, squareSums } from './densities.ts'

test('squared lengths of the vectors side by side', () => {
  const { ref, block } = bothForms(squareSums, { size: 2 }, [[3, 4, 0, -2]])

  expect(ref).toEqual([[25, 4]])
  expect(block).toEqual(ref)
  expect(() => bothForms(squareSums, { size: 3 }, [[1, 2]])).toThrow('square-sums: 2 columns by 3')
})

test('the sum of exponentials neither overflows nor vanishes', () => {
  const { ref, block } = bothForms(logSumExp, {}, [
    [1000, 1000],
    [-1000, -1000],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ])

  expect(ref[0]![0]).toBeCloseTo(1000 + Math.LN2, 12)
  expect(ref[1]![0]).toBeCloseTo(-1000 + Math.LN2, 12)
  expect(ref[2]![0]).toBe(Number.NEGATIVE_INFINITY)
  expect(block).toEqual(ref)
})

test('a triangular system is solved from the top', () => {
  const lower = Float64Array.of(2, 0, 0, 1, 4, 0, -1, 2, 5)

  const { ref, block } = bothForms(forwardSubstitution, { lower }, [[2, 9, 8]])

  expect(ref).toEqual([[1, 2, 1]])
  expect(block).toEqual(ref)
  expect(() => bothForms(forwardSubstitution, { lower }, [[2]])).toThrow('no square of 1 columns')
})

test('without doubt about the mean the second class is half as likely at 0 and surer further away', () => {
  const { ref, block } = bothForms(gaussianLogistic, {}, [
    [0, 1],
    [3, 0.01],
    [3, 4],
  ])

  expect(ref[0]![0]).toBeCloseTo(0.5, 6)
  expect(ref[1]![0]).toBeCloseTo(1 / (1 + Math.exp(-3)), 2)
  expect(ref[2]![0]).toBeLessThan(ref[1]![0]!)
  expect(block).toEqual(ref)
})
