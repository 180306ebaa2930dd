import type { Frame, InputColumn } from './program.ts'

/** Columns of each slab of a frame. */
export function slabWidths(columns: readonly InputColumn[]): {
  readonly number: number
  readonly cell: number
} {
  const cell = columns.filter(({ kind }) => kind === 'cell').length
  return { number: columns.length - cell, cell }
}

/** Every row as a frame of its own. */
export function splitRows({ rows, numbers, cells }: Frame, columns: readonly InputColumn[]): Frame[] {
  const { number: n, cell: c } = slabWidths(columns)
  return Array.from({ length: rows }, (_, row) => ({
    rows: 1,
    numbers: numbers.slice(row * n, (row + 1) * n),
    cells: cells.slice(row * c, (row + 1) * c),
  }))
}

export const joinRows = (frames: readonly Frame[]): Frame => ({
  rows: frames.reduce((sum, { rows }) => sum + rows, 0),
  numbers: Float64Array.from(frames.flatMap(({ numbers }) => Array.from(numbers))),
  cells: frames.flatMap(({ cells }) => cells),
})
