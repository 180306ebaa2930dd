import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { choose, nearestDonors } from './filling.ts'

const NONE = Number.NaN

test('a mask chooses between two rows, column by column', () => {
  const { ref, block } = bothForms(choose, {}, [[1, 0, 0]], [[10, 20, 30]], [[1, 2, 3]])

  expect(ref).toEqual([[10, 2, 3]])
  expect(block).toEqual(ref)
})

const attrs = {
  donors: Float64Array.from(
    [
      [0, 10, NONE],
      [1, 20, 5],
      [9, NONE, 7],
      [3, 40, NONE],
    ].flat(),
  ),
  means: Float64Array.of(3.25, 70 / 3, 6),
  count: 2,
  weighted: false,
}

test('missing values come from the nearest rows that have them, what is there stays', () => {
  const { ref, block } = bothForms(nearestDonors, attrs, [
    [1, NONE, NONE],
    [8, 41, 6],
  ])

  expect(ref).toEqual([
    [1, 15, 6],
    [8, 41, 6],
  ])
  expect(block).toEqual(ref)
})

test('nearer donors weigh more, and one without distance alone counts', () => {
  const weighted = { ...attrs, weighted: true }

  const { ref, block } = bothForms(nearestDonors, weighted, [
    [1, NONE, 5],
    [0.25, NONE, NONE],
  ])

  expect(ref[0]![1]).toBe(20)
  expect(ref[1]![1]).toBeCloseTo((10 * 3 + 20) / 4, 12)
  expect(block).toEqual(ref)
})

test('a row that shares no column with any donor gets the means', () => {
  const { ref, block } = bothForms(nearestDonors, attrs, [[NONE, NONE, NONE]])

  expect(ref).toEqual([[3.25, 70 / 3, 6]])
  expect(block).toEqual(ref)
})

test('donors of another width are refused', () => {
  expect(() => bothForms(nearestDonors, attrs, [[1, NONE]])).toThrow('attributes do not fit')
  expect(() => bothForms(nearestDonors, { ...attrs, donors: new Float64Array(4) }, [[1, 2, 3]])).toThrow(
    'no rows',
  )
})
