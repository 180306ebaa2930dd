import { expect, test } from 'vitest'
import { bothForms } from '../../test/both-forms.ts'
import { RowError } from '../errors.ts'
import { check, someWeight } from './checks.ts'

const strict = { nan: 'refuse', inf: 'refuse', limit: 'f64' } as const

test.each([
  ['NaN', Number.NaN, strict, 'contains NaN'],
  ['infinity', Number.NEGATIVE_INFINITY, strict, 'contains infinity or a value too large for float64'],
  ['what float32 cannot hold', 1e39, { ...strict, limit: 'f32' } as const, 'too large for float32'],
])('refuses %s and names the column', (_, value, attrs, message) => {
  const run = () => bothForms(check, attrs, [[1, value]])

  expect(run).toThrow(RowError)
  expect(run).toThrow(expect.objectContaining({ column: 1, message: expect.stringContaining(message) }))
})

test('passes on what it was told to allow', () => {
  const rows = [[1e39, Number.NaN, 3.4028235e38, Number.POSITIVE_INFINITY]]

  expect(bothForms(check, { nan: 'allow', inf: 'allow', limit: 'f32' }, rows)).toEqual({
    ref: rows,
    block: rows,
  })
})

test('the largest number that still rounds to a finite float32 passes', () => {
  const rows = [[3.4028235677973362e38]]

  expect(bothForms(check, { ...strict, limit: 'f32' }, rows).block).toEqual(rows)
})

test('weights pass through, unless all are 0', () => {
  const rows = [
    [0, 2],
    [-0.5, 0],
  ]

  const { ref, block } = bothForms(someWeight, {}, rows)

  expect(ref).toEqual(rows)
  expect(block).toEqual(rows)
  expect(() => bothForms(someWeight, {}, [[0, 0]])).toThrow(RowError)
})
