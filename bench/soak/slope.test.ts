import { expect, test } from 'vitest'
import { slopeOf } from './slope.ts'

const at = (values: readonly number[]) => values.map((value, i) => ({ hours: i / 10, value }))

test('points on a line have its slope, and no error', () => {
  const slope = slopeOf(at([100, 101, 102, 103]))

  expect(slope.perHour).toBeCloseTo(10, 12)
  expect(slope.standardError).toBeCloseTo(0, 12)
  expect(slope).toMatchObject({ mean: 101.5, verdict: 'grows' })
})

test('slope and standard error are those of R: summary(lm(c(3,1,4,1,5) ~ c(0,.1,.2,.3,.4)))', () => {
  const { perHour, standardError, verdict } = slopeOf(at([3, 1, 4, 1, 5]))

  expect(perHour).toBeCloseTo(4, 12)
  expect(standardError).toBeCloseTo(6.1101, 4)
  expect(verdict).toBe('steady')
})

test('neighbours that are alike tell less than as many others', () => {
  const turns = slopeOf(at([0, 1, 0, 1, 0, 1, 0, 1]))
  const stays = slopeOf(at([0, 0, 1, 1, 0, 0, 1, 1]))

  expect(stays.standardError).toBeGreaterThan(turns.standardError)
})

test('what grows by less than a hundredth of itself in an hour is steady', () => {
  expect(slopeOf(at([1000, 1000.5, 1001, 1001.5]))).toMatchObject({ verdict: 'steady' })
  expect(slopeOf(at([1000, 998, 996, 994]))).toMatchObject({ verdict: 'falls' })
})

test('two points, or points of one moment, are refused', () => {
  expect(() => slopeOf(at([1, 2]))).toThrow('slopeOf: 2 points do not make a slope')
  expect(() => slopeOf([1, 2, 3].map((value) => ({ hours: 0, value })))).toThrow(RangeError)
})
