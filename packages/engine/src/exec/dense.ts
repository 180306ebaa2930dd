import { type DenseStep, GROUP_BYTES, GROUP_POINTS, instantiateDense } from '../wasm/dense-kernel.ts'
import { allocate, PAGE_BYTES } from '../wasm/regions.ts'

/** Rows that go through the kernel's memory at a time: their results stay in the cache until they are taken over. */
const TILE_ROWS = 16

/** Rows `first` to `first + rows` of x, of the points' width, against all points. Results of row r start at r · stride. */
export type DenseRows = {
  readonly results: Float64Array
  readonly stride: number
  /** At most `TILE_ROWS` rows; the results are overwritten by the next call. */
  readonly run: (x: Float64Array, first: number, rows: number) => void
}

/**
 * A kernel over a memory of its own that compares rows with points, both of `columns` numbers: the bits of a loop over
 * the columns.
 */
function openDense(step: DenseStep, points: Float64Array, columns: number): DenseRows {
  const groups = Math.ceil(points.length / columns / GROUP_POINTS)
  const stride = groups * GROUP_POINTS
  const [at, bytes] = allocate({
    points: groups * columns * GROUP_BYTES,
    x: TILE_ROWS * columns * 8,
    out: TILE_ROWS * groups * GROUP_BYTES,
  })
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) })
  const inGroups = new Float64Array(memory.buffer, at.points, groups * columns * GROUP_POINTS)
  for (let point = 0; point * columns < points.length; point++) {
    const start = (point - (point % GROUP_POINTS)) * columns + (point % GROUP_POINTS)
    for (let i = 0; i < columns; i++) inGroups[start + i * GROUP_POINTS] = points[point * columns + i]!
  }
  const kernel = instantiateDense(step, memory)
  const tile = new Float64Array(memory.buffer, at.x, TILE_ROWS * columns)
  return {
    results: new Float64Array(memory.buffer, at.out, TILE_ROWS * stride),
    stride,
    run(x, first, rows) {
      const start = first * columns
      for (let i = 0; i < rows * columns; i++) tile[i] = x[start + i]!
      const pairs = rows >> 1
      const even = pairs * 2
      if (pairs > 0) kernel.rows(at.x, at.points, at.out, groups, columns, pairs)
      if (rows > even)
        kernel.row(
          at.x + even * columns * 8,
          at.points,
          at.out + even * groups * GROUP_BYTES,
          groups,
          columns,
          1,
        )
    },
  }
}

/** Told of each row: its number, the results, and where its own start there. */
type EachRow = (row: number, results: Float64Array, start: number) => void

/** Compares rows with `points`, tile by tile, and hands over each row's results. */
export function denseBlock(step: DenseStep, points: Float64Array, columns: number) {
  const dense = openDense(step, points, columns)
  return (x: Float64Array, rows: number, each: EachRow): void => {
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const count = Math.min(TILE_ROWS, rows - first)
      dense.run(x, first, count)
      for (let row = 0; row < count; row++) each(first + row, dense.results, row * dense.stride)
    }
  }
}
