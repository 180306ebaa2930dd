import type { Place } from '../exec/place.ts'
import type { Attrs, Cell, ValueType } from '../ir/program.ts'
import type { SparseRows } from '../ir/sparse-rows.ts'

/**
 * One row of one node: numbers when the node's type is `number`, cells when it is `cell`. A `sparse` row is a column, its
 * value, the next column, its value …, columns ascending.
 */
export type Row = readonly Cell[]

/** A block of rows of one node, row-major, `rows × width`. Executors own the storage. */
export type Block = {
  readonly type: ValueType
  numbers: Float64Array
  cells: Cell[]
  /** Of a `sparse` node. */
  readonly sparse?: SparseRows
}

/**
 * Computes `rows` rows of a block from its inputs' blocks. Writes `out.numbers` (or `out.cells`), allocates nothing per
 * row, throws RowError like `ref` does.
 */
export type BlockKernel = (inputs: readonly Block[], out: Block, rows: number) => void

/**
 * One operation of the IR, whole in one place: its typing rule, its meaning and its fast form.
 *
 * `infer` is the validator: it throws RangeError when attributes or input types do not fit, and must check every index
 * it will later use (a hostile program must not read out of bounds).
 * `ref` is the meaning: one row in, one row out, written for clarity. It is the oracle.
 * `block`, when present, computes the same bits as `ref` for up to a block of rows on typed arrays; it may decline
 * attributes it has no fast form for. What it lays out in memory it keeps in, and takes from, `place`.
 */
export type Op<A extends Attrs = Attrs> = {
  readonly name: string
  infer(attrs: A, inputs: readonly ValueType[]): ValueType
  ref(attrs: A, inputs: readonly Row[]): Row
  block?(attrs: A, inputs: readonly ValueType[], place: Place): BlockKernel | undefined
  /** Output column i depends on input column i alone (of input 0) and means the same feature. */
  readonly columnwise?: boolean
  /** Not computed by the engine: a host runs it, and `ref` throws RangeError. */
  readonly hosted?: boolean
}

/** Identity that gives an operation its attribute type. */
export const defineOp = <A extends Attrs>(op: Op<A>): Op<A> => op

/** Number row type. */
export const numbers = (width: number, dtype: 'f64' | 'f32' = 'f64'): ValueType => ({
  kind: 'number',
  width,
  dtype,
})

/** Sparse row type. */
export const sparse = (width: number, dtype: 'f64' | 'f32' = 'f64'): ValueType => ({
  kind: 'sparse',
  width,
  dtype,
})

/** Cell row type. */
export const cells = (width: number): ValueType => ({ kind: 'cell', width })

/** @throws RangeError unless `type` is a row of numbers (of `width`, when given) */
export function expectNumbers(
  op: string,
  type: ValueType | undefined,
  width?: number,
): ValueType & { kind: 'number' } {
  if (type?.kind !== 'number') throw new RangeError(`${op}: expects numbers, got ${type?.kind ?? 'nothing'}`)
  if (width !== undefined && type.width !== width)
    throw new RangeError(`${op}: expects ${width} columns, got ${type.width}`)
  return type
}
