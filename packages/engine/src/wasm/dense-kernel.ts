import { Code, compileModule, I32, type Local, type MemoryKind, V128 } from './encoder.ts'

/**
 * The dense kernel: every row against every point, two points to a vector and eight at a time. Each pair has a lane of
 * its own that goes through the columns in order, so a result has the bits of the plain loop
 *   result = 0;  for (i of columns) result = step(result, x[i], p[i])
 * Points lie in groups of eight, column by column: points[group][column][8].
 */
export const GROUP_POINTS = 8
const VECTORS = GROUP_POINTS / 2
export const GROUP_BYTES = GROUP_POINTS * 8

/** `product` r + x·p · `squared` r + (x − p)² · `manhattan` r + |x − p| · `chebyshev` max(r, |x − p|) */
export type DenseStep = 'product' | 'squared' | 'manhattan' | 'chebyshev'

/** With the result, x and p of a lane in locals, leaves the next result on the stack. */
type Emit = (code: Code, lane: { result: Local; x: Local; p: Local }) => void

const difference: Emit = (code, { x, p }) => code.get(x).get(p).op('f64x2.sub')

const STEPS: Readonly<Record<DenseStep, Emit>> = {
  product: (code, { result, x, p }) => code.get(result).get(x).get(p).op('f64x2.mul', 'f64x2.add'),
  squared: (code, lane) => {
    difference(code, lane)
    // The difference replaces the point, which is not needed again in this row.
    code.set(lane.p).get(lane.result).get(lane.p).get(lane.p).op('f64x2.mul', 'f64x2.add')
  },
  manhattan: (code, lane) => {
    code.get(lane.result)
    difference(code, lane)
    code.op('f64x2.abs', 'f64x2.add')
  },
  chebyshev: (code, lane) => {
    code.get(lane.result)
    difference(code, lane)
    code.op('f64x2.abs', 'f64x2.max')
  },
}

/** Functions of the module; addresses and sizes are in bytes. `rows` takes `pairs` × 2 rows, `row` one. */
export type DenseKernel = {
  rows(shape: number, points: number, out: number, groups: number, columns: number, pairs: number): void
  row(shape: number, points: number, out: number, groups: number, columns: number, one: number): void
}

const modules = new Map<string, WebAssembly.Module>()

/** The kernel of a step; models share it. */
export function compileDense(step: DenseStep, memory: MemoryKind): WebAssembly.Module {
  const key = `${memory} ${step}`
  const found = modules.get(key)
  if (found !== undefined) return found
  const module = compileModule({ rows: againstFunction(step, 2), row: againstFunction(step, 1) }, memory)
  modules.set(key, module)
  return module
}

type Tile = {
  readonly code: Code
  readonly step: DenseStep
  /** Per row, where its next number is. */
  readonly xAt: readonly Local[]
  readonly pointsAt: Local
  /** Per row, its results against a group. */
  readonly results: readonly (readonly Local[])[]
  /** Columns left. */
  readonly column: Local
}

/** Rows lie one behind the other from `x` on, results from `out` on, whole groups of them. */
function againstFunction(step: DenseStep, rowsAtOnce: 1 | 2): Code {
  const code = new Code([I32, I32, I32, I32, I32, I32])
  const [x, points, out, groups, columns, tiles] = [0, 1, 2, 3, 4, 5] as const
  const [pointsAt, outAt, group, column] = code.locals(4, I32) as [Local, Local, Local, Local]
  const [xBytes, outBytes] = code.locals(2, I32) as [Local, Local]
  const xAt = code.locals(rowsAtOnce, I32)
  const results = xAt.map(() => code.locals(VECTORS, V128))
  const startOf = (row: number, from: Local, bytes: Local): Code =>
    row === 0 ? code.get(from) : code.get(from).get(bytes).op('i32.add')
  code.get(columns).i32(3).op('i32.shl').set(xBytes)
  code.get(groups).i32(6).op('i32.shl').set(outBytes)
  code.repeat(() => {
    code.get(points).set(pointsAt).get(out).set(outAt).get(groups).set(group)
    code.repeat(() => {
      for (const [row, at] of xAt.entries()) startOf(row, x, xBytes).set(at)
      code.get(columns).set(column)
      emitColumns({ code, step, xAt, pointsAt, results, column })
      for (const [row, ofRow] of results.entries())
        for (const [i, result] of ofRow.entries())
          startOf(row, outAt, outBytes)
            .get(result)
            .at('v128.store', i * 16)
      code.advance(outAt, GROUP_BYTES)
      code.get(group).i32(1).op('i32.sub').tee(group)
    })
    for (const [at, bytes] of [
      [x, xBytes],
      [out, outBytes],
    ] as const)
      for (let row = 0; row < rowsAtOnce; row++) code.get(at).get(bytes).op('i32.add').set(at)
    code.get(tiles).i32(1).op('i32.sub').tee(tiles)
  })
  return code
}

/** All columns of a tile's rows against one group of points. */
function emitColumns({ code, step, xAt, pointsAt, results, column }: Tile): void {
  const [value, point] = code.locals(2, V128) as [Local, Local]
  for (const result of results.flat()) code.v128(ZERO).set(result)
  code.repeat(() => {
    for (const [row, at] of xAt.entries()) {
      code.get(at).at('v128.load64_splat').set(value).advance(at, 8)
      for (const [i, result] of results[row]!.entries()) {
        code
          .get(pointsAt)
          .at('v128.load', i * 16)
          .set(point)
        STEPS[step](code, { result, x: value, p: point })
        code.set(result)
      }
    }
    code.advance(pointsAt, GROUP_BYTES)
    code.get(column).i32(1).op('i32.sub').tee(column)
  })
}

const ZERO = new Uint8Array(16)
