import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { centredLogShares, isolationScore, pickRow, weightedMedian } from './ensembles.ts'

test('a row as deep as expected scores −0.5, one at the root −1', () => {
  const { ref, block } = bothForms(isolationScore, { expected: 8 }, [[8, 0, 16]])

  expect(ref).toEqual([[-0.5, -1, -0.25]])
  expect(block).toEqual(ref)
})

test('the weighted median is a value that is there', () => {
  const weights = Float64Array.of(1, 1, 3)

  const { ref, block } = bothForms(weightedMedian, { weights }, [
    [5, 7, 9],
    [9, 7, 5],
    [7, 7, 7],
  ])

  expect(ref).toEqual([[9], [5], [7]])
  expect(block).toEqual(ref)
  expect(() => bothForms(weightedMedian, { weights }, [[1]])).toThrow('3 constants for 1 columns')
})

test('an impossible class counts like the least possible one, and the shares are centred', () => {
  const { ref, block } = bothForms(centredLogShares, {}, [
    [1, 0],
    [0.5, 0.5],
  ])

  expect(ref[0]![0]).toBeCloseTo(26 * Math.LN2, 12)
  expect(ref[0]![0]! + ref[0]![1]!).toBeCloseTo(0, 12)
  expect(ref[1]).toEqual([0, 0])
  expect(block).toEqual(ref)
})

test('a row of a table by its index', () => {
  const attrs = { table: Float64Array.of(1, 2, 3, 4), width: 2 }

  const { ref, block } = bothForms(pickRow, attrs, [[1], [0]])

  expect(ref).toEqual([
    [3, 4],
    [1, 2],
  ])
  expect(block).toEqual(ref)
  expect(() => bothForms(pickRow, { ...attrs, width: 3 }, [[1]])).toThrow('no rows of 3 columns')
})
