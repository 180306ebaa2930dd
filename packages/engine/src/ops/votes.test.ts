import { describe, expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { numbers } from './op.ts'
import { capAtOne, clippedMargin, majority, pick, scatter } from './votes.ts'

describe('majority', () => {
  test('takes the class with the most votes, the first of equals', () => {
    const attrs = { classes: 3, weights: new Float64Array(0) }
    const { ref, block } = bothForms(majority, attrs, [[2], [2]], [[1], [0]], [[1], [1]])

    expect(ref).toEqual([[1], [0]])
    expect(block).toEqual(ref)
  })

  test('counts weights, where one heavy voter outvotes two', () => {
    const attrs = { classes: 3, weights: Float64Array.of(5, 2, 2) }
    const { ref, block } = bothForms(majority, attrs, [[2]], [[1]], [[1]])

    expect(ref).toEqual([[2]])
    expect(block).toEqual(ref)
  })

  test('refuses a weight too many', () => {
    const attrs = { classes: 2, weights: Float64Array.of(1, 1) }

    expect(() => majority.infer(attrs, [numbers(1)])).toThrow('majority: 2 weights for 1 votes')
  })
})

test('scatter leaves 0 for the classes that a fold never saw', () => {
  const attrs = { targets: Int32Array.of(2, 0), width: 3 }
  const { ref, block } = bothForms(scatter, attrs, [
    [0.25, 0.75],
    [0.5, 0.5],
  ])

  expect(ref).toEqual([
    [0.75, 0, 0.25],
    [0.5, 0, 0.5],
  ])
  expect(block).toEqual(ref)
})

test('scatter refuses a class outside its width', () => {
  expect(() => scatter.infer({ targets: Int32Array.of(3), width: 3 }, [numbers(1)])).toThrow(
    'scatter: column 3 of 3',
  )
})

test('a margin counts between -1 and 1', () => {
  expect(clippedMargin.ref({}, [[-3, -1, 0, 0.5, 9]])).toEqual([0, 0, 0.5, 0.75, 1])
})

test('only what exceeds 1 by rounding is capped', () => {
  expect(capAtOne.ref({}, [[1 + 1e-6, 1.5, 0.5]])).toEqual([1, 1.5, 0.5])
})

test('an index stands for its value', () => {
  expect(pick.ref({ values: Float64Array.of(-1, 7) }, [[1, 0]])).toEqual([7, -1])
})
