import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { duelVotes, pairwiseCoupling, platt, supportDuels } from './duels.ts'

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

test('a duel is decided by the support vectors of its two classes alone', () => {
  const attrs = {
    counts: Int32Array.of(1, 2, 1),
    coefficients: Float64Array.from(
      [
        [1, 2, 3, 4],
        [10, 20, 30, 40],
      ].flat(),
    ),
    bias: Float64Array.of(0.5, 0, -1),
  }

  const { ref, block } = bothForms(supportDuels, attrs, [
    [1, 0, 0, 0],
    [0, 1, 1, 0],
    [0, 0, 0, 1],
  ])

  expect(ref).toEqual([
    [1.5, 10, -1],
    [5.5, 0, 49],
    [0.5, 4, 39],
  ])
  expect(block).toEqual(ref)
  expect(() => bothForms(supportDuels, { ...attrs, counts: Int32Array.of(1, 1, 1) }, [[1, 2, 3, 4]])).toThrow(
    '4 kernels are not those of 3 classes',
  )
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
