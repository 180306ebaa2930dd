import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { duelVotes, pairwiseCoupling, platt } from './duels.ts'

test('every duel won is a vote, in the order (0,1) (0,2) (1,2)', () => {
  const { ref, block } = bothForms(duelVotes, { classes: 3 }, [
    [0, 0, 0],
    [1, 0, 1],
  ])

  expect(ref).toEqual([
    [2, 1, 0],
    [1, 1, 1],
  ])
  expect(block).toEqual(ref)
})

test('coupling finds the probabilities that consistent duels come from', () => {
  const p = [0.5, 0.3, 0.2] as const
  const duels = [p[0] / (p[0] + p[1]), p[0] / (p[0] + p[2]), p[1] / (p[1] + p[2])]

  const { ref, block } = bothForms(pairwiseCoupling, { classes: 3 }, [duels])

  p.forEach((share, k) => {
    expect(ref[0]![k]).toBeCloseTo(share, 2)
  })
  expect(ref[0]!.reduce((a, b) => a + b)).toBeCloseTo(1, 14)
  expect(block).toEqual(ref)
})

test('a duel is never certain', () => {
  const attrs = { a: Float64Array.of(-2, -2), b: Float64Array.of(0, 0) }

  const { ref, block } = bothForms(platt, attrs, [[1e9, -1e9]])

  expect(ref).toEqual([[1 - 1e-7, 1e-7]])
  expect(block).toEqual(ref)
})

test('duels that do not fit the classes are refused', () => {
  expect(() => bothForms(duelVotes, { classes: 4 }, [[0, 1, 0]])).toThrow('duel-votes: 3 duels of 4 classes')
})
