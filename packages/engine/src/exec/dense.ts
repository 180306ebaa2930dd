import {
  compileDense,
  type DenseKernel,
  type DenseStep,
  GROUP_BYTES,
  GROUP_POINTS,
} from '../wasm/dense-kernel.ts'
import { instantiateModule } from '../wasm/encoder.ts'
import { allocateSeats, createMemory, type Regions, regionsAt } from '../wasm/regions.ts'
import type { Place } from './place.ts'

/** Rows that go through the kernel's memory at a time: their results stay in the cache until they are taken over. */
const TILE_ROWS = 16

/** Rows `first` to `first + rows` of x, of the points' width, against all points. Results of row r start at r · stride. */
export type DenseRows = {
  readonly results: Float64Array
  readonly stride: number
  /** At most `TILE_ROWS` rows; the results are overwritten by the next call. */
  readonly run: (x: Float64Array, first: number, rows: number) => void
}

/** Points laid out in memory, and the compiled kernel that compares rows with them: data that threads can be given. */
export type DenseLayout = {
  readonly memory: WebAssembly.Memory
  readonly module: WebAssembly.Module
  readonly regions: Regions<'points', 'x' | 'out'>
  readonly groups: number
  readonly columns: number
}

function layOutPoints(step: DenseStep, points: Float64Array, columns: number, seats: number): DenseLayout {
  const groups = Math.ceil(points.length / columns / GROUP_POINTS)
  const [regions, bytes] = allocateSeats(
    { points: groups * columns * GROUP_BYTES },
    { x: TILE_ROWS * columns * 8, out: TILE_ROWS * groups * GROUP_BYTES },
    seats,
  )
  const memory = createMemory(bytes, seats)
  const inGroups = new Float64Array(memory.buffer, regions.constants.points, groups * columns * GROUP_POINTS)
  for (let point = 0; point * columns < points.length; point++) {
    const start = (point - (point % GROUP_POINTS)) * columns + (point % GROUP_POINTS)
    for (let i = 0; i < columns; i++) inGroups[start + i * GROUP_POINTS] = points[point * columns + i]!
  }
  const module = compileDense(step, seats === 1 ? 'own' : 'shared')
  return { memory, module, regions, groups, columns }
}

/** The kernel for the thread on a seat: the bits of a loop over the columns. */
function openDense({ memory, module, regions, groups, columns }: DenseLayout, seat: number): DenseRows {
  const at = regionsAt(regions, seat)
  const stride = groups * GROUP_POINTS
  const kernel = instantiateModule(module, memory) as DenseKernel
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

/** Numbers of points, one point after the other. */
export type Points = { readonly points: Float64Array; readonly columns: number }

/** Compares rows with points, tile by tile, and hands over each row's results. One for each node. */
export function denseBlock(step: DenseStep, { points, columns }: Points, { seat, layouts }: Place) {
  layouts.dense ??= layOutPoints(step, points, columns, seat.of)
  const dense = openDense(layouts.dense, seat.number)
  return (x: Float64Array, rows: number, each: EachRow): void => {
    for (let first = 0; first < rows; first += TILE_ROWS) {
      const count = Math.min(TILE_ROWS, rows - first)
      dense.run(x, first, count)
      for (let row = 0; row < count; row++) each(first + row, dense.results, row * dense.stride)
    }
  }
}
