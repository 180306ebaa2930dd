/** A dense matrix, row-major. */
export type Matrix = { readonly values: Float64Array; readonly rows: number; readonly columns: number }

export const transpose = ({ values, rows, columns }: Matrix): Matrix => ({
  values: Float64Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  ),
  rows: columns,
  columns: rows,
})

/** a · b @throws RangeError when their sides differ */
export function product(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.rows) throw new RangeError(`a product of ${a.columns} columns and ${b.rows} rows`)
  const values = new Float64Array(a.rows * b.columns)
  for (let i = 0; i < a.rows; i++)
    for (let k = 0; k < a.columns; k++)
      for (let j = 0; j < b.columns; j++)
        values[i * b.columns + j]! += a.values[i * a.columns + k]! * b.values[k * b.columns + j]!
  return { values, rows: a.rows, columns: b.columns }
}

/**
 * Inverse of a square matrix and ln |determinant|, by Gauss-Jordan elimination with row pivots.
 * @throws RangeError when the matrix is not square or is singular
 */
export function invert({ values, rows, columns }: Matrix): { inverse: Matrix; logDeterminant: number } {
  if (rows !== columns) throw new RangeError(`a matrix of ${rows} rows and ${columns} columns has no inverse`)
  const left = Float64Array.from(values)
  const right = new Float64Array(rows * rows)
  for (let i = 0; i < rows; i++) right[i * rows + i] = 1
  let logDeterminant = 0
  for (let column = 0; column < rows; column++) {
    const pivot = pivotRow(left, rows, column)
    const size = left[pivot * rows + column]!
    if (!(Math.abs(size) > 0)) throw new RangeError('a matrix is singular')
    logDeterminant += Math.log(Math.abs(size))
    for (const side of [left, right]) {
      swapRows(side, rows, pivot, column)
      for (let j = 0; j < rows; j++) side[column * rows + j]! /= size
    }
    for (let row = 0; row < rows; row++) if (row !== column) eliminate([left, right], rows, row, column)
  }
  return { inverse: { values: right, rows, columns }, logDeterminant }
}

/** Takes the pivot row `column` off another row so often that its element there vanishes. */
function eliminate(
  sides: readonly [Float64Array, Float64Array],
  size: number,
  row: number,
  column: number,
): void {
  const factor = sides[0][row * size + column]!
  if (factor === 0) return
  for (const side of sides)
    for (let j = 0; j < size; j++) side[row * size + j]! -= factor * side[column * size + j]!
}

function pivotRow(values: Float64Array, size: number, column: number): number {
  let best = column
  for (let row = column + 1; row < size; row++)
    if (Math.abs(values[row * size + column]!) > Math.abs(values[best * size + column]!)) best = row
  return best
}

function swapRows(values: Float64Array, size: number, a: number, b: number): void {
  for (let j = 0; j < size && a !== b; j++) {
    const value = values[a * size + j]!
    values[a * size + j] = values[b * size + j]!
    values[b * size + j] = value
  }
}
