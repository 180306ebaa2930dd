import { expect, test } from 'vitest'
import { invert, type Matrix, product, transpose } from './matrices.ts'

const matrix = (rows: readonly (readonly number[])[]): Matrix => ({
  values: Float64Array.from(rows.flat()),
  rows: rows.length,
  columns: rows[0]!.length,
})

test('a product and a transposed matrix', () => {
  const a = matrix([[1, 2, 3]])

  expect(product(a, transpose(a))).toEqual(matrix([[14]]))
  expect(
    transpose(
      matrix([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ),
  ).toEqual(
    matrix([
      [1, 3, 5],
      [2, 4, 6],
    ]),
  )
  expect(() => product(a, a)).toThrow('a product of 3 columns and 1 rows')
})

test('a matrix times its inverse is one, whatever its rows are ordered like', () => {
  const a = matrix([
    [0, 2, 1],
    [4, 0, -1],
    [1, 1, 1],
  ])

  const { inverse, logDeterminant } = invert(a)

  expect(logDeterminant).toBeCloseTo(Math.log(6), 14)
  product(a, inverse).values.forEach((value, i) => {
    expect(value).toBeCloseTo(i % 4 === 0 ? 1 : 0, 14)
  })
})

test('a singular matrix has no inverse', () => {
  expect(() =>
    invert(
      matrix([
        [1, 2],
        [2, 4],
      ]),
    ),
  ).toThrow('a matrix is singular')
  expect(() => invert(matrix([[1, 2]]))).toThrow('has no inverse')
})
