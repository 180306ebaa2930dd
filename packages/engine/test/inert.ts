import type { Cell, Frame } from '../src/ir/program.ts'
import { DType, GlobalRef, type Inert, InertObject, NdArray } from '../src/pickle/values.ts'

/** A fitted object as a file would describe it: `object('sklearn.svm._classes.LinearSVC', { coef_: … })`. */
export function object(qualified: string, attributes: Readonly<Record<string, Inert>>): InertObject {
  const dot = qualified.lastIndexOf('.')
  const described = new InertObject(
    new GlobalRef(qualified.slice(0, dot), qualified.slice(dot + 1)),
    [],
    false,
  )
  described.state = new Map<Inert, Inert>(Object.entries(attributes))
  return described
}

/** A numpy array of float64. */
export const doubles = (values: readonly number[], shape: readonly number[] = [values.length]): NdArray =>
  new NdArray([...shape], new DType('f', 8, false), false, bytesOf(Float64Array.from(values)))

/** A numpy array of float32. */
export const singles = (values: readonly number[], shape: readonly number[] = [values.length]): NdArray =>
  new NdArray([...shape], new DType('f', 4, false), false, bytesOf(Float32Array.from(values)))

/** A numpy array of int64. */
export const integers = (values: readonly number[]): NdArray =>
  new NdArray([values.length], new DType('i', 8, false), false, bytesOf(BigInt64Array.from(values, BigInt)))

/** A numpy array of objects: text labels, nested estimators. */
export const objects = (values: readonly Inert[]): NdArray =>
  new NdArray([values.length], new DType('O', 8, false), false, [...values])

/** Rows of numbers. */
export const frame = (rows: readonly (readonly number[])[], cells: readonly Cell[] = []): Frame => ({
  rows: rows.length,
  numbers: Float64Array.from(rows.flat()),
  cells,
})

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
