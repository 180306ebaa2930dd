import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pairwiseSum } from './pairwise-sum.ts'

test('fewer than eight numbers are added left to right', () => {
  expect(pairwiseSum([1e16, 1, -1e16, 1], 0, 4)).toBe(1)
  expect(pairwiseSum([5, 1, 2, 3, 4], 1, 3)).toBe(6)
  expect(pairwiseSum([], 0, 0)).toBe(0)
})

test('numbers eight apart are added to each other first', () => {
  const values = new Array<number>(16).fill(1)
  values[0] = 1e16
  values[8] = -1e16

  expect(pairwiseSum(values, 0, 16)).toBe(14)
  expect(values.reduce((sum, value) => sum + value)).not.toBe(14)
})

test('longer runs are halved at a multiple of eight', () => {
  const values = new Array<number>(136).fill(0)
  values[0] = 2 ** 53
  values[1] = 1
  values[64] = -(2 ** 53)

  expect(pairwiseSum(values, 0, 136)).toBe(0)
  expect(pairwiseSum(values, 0, 128)).toBe(1)
})

test('sums of integers are exact whatever the length', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 1000 }), (values) => {
      expect(pairwiseSum(values, 0, values.length)).toBe(values.reduce((sum, value) => sum + value, 0))
    }),
  )
})
