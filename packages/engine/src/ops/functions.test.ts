import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { numpyFunction } from './functions.ts'

test('halves are rounded to even numbers, as numpy.rint does', () => {
  const { ref, block } = bothForms(numpyFunction, { name: 'rint' }, [
    [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994],
  ])

  expect(ref).toEqual([[0, 2, 2, -0, -2, 0]])
  expect(block).toEqual(ref)
})

test('a function outside its domain gives NaN and no error', () => {
  expect(bothForms(numpyFunction, { name: 'log' }, [[-1, 0]]).ref).toEqual([
    [Number.NaN, Number.NEGATIVE_INFINITY],
  ])
})

test('functions that are not numpy functions of one number are not known', () => {
  expect(() => bothForms(numpyFunction, { name: 'constructor' }, [[1]])).toThrow(
    'numpy.constructor is not known',
  )
})
