import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { argmaxLast, duelScores, nearest } from './multiclass.ts'
import { numbers } from './op.ts'

test('argmax-last takes the last of equals', () => {
  const { ref, block } = bothForms(argmaxLast, {}, [
    [1, 3, 3],
    [2, 1, 0],
    [5, 5, 5],
  ])

  expect(ref).toEqual([[2], [0], [2]])
  expect(block).toEqual(ref)
})

describe('duelScores', () => {
  test('counts duels won and tells equals apart by confidence', () => {
    // 0 beats 1, 2 beats 0, 1 beats 2: one vote each; confidences add up to 1, −1 and 0
    const { ref, block } = bothForms(duelScores, { classes: 3 }, [[0, 1, 0]], [[-2, 1, -1]])

    expect(ref).toEqual([[1 + 1 / 6, 1 - 1 / 6, 1]])
    expect(block).toEqual(ref)
  })

  test('wants a duel for every pair', () => {
    expect(() => duelScores.infer({ classes: 3 }, [numbers(2), numbers(2)])).toThrow(
      'duel-scores: expects 3 columns, got 2',
    )
  })
})

describe('nearest', () => {
  const points = Float64Array.of(1, 0, 0, 1, 1, 0)

  test('takes the first of the nearest points', () => {
    const { ref, block } = bothForms(nearest, { points }, [
      [2, 0],
      [0, 2],
      [1e20, 2e20],
    ])

    expect(ref).toEqual([[0], [1], [0]])
    expect(block).toEqual(ref)
  })

  test('refuses points of other columns', () => {
    expect(() => nearest.infer({ points }, [numbers(4)])).toThrow('6 numbers are no rows of 4 columns')
  })
})
