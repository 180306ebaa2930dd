import { ModelError } from '../errors.ts'
import type { Cell } from '../ir/program.ts'
import { type DType, type Inert, InertObject, NdArray } from './values.ts'

type ReadElement = (view: DataView, offset: number, littleEndian: boolean) => number

/** numpy kind + item size → reader of one element as a JavaScript number. */
const READERS: Readonly<Record<string, ReadElement>> = {
  b1: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, little) => view.getInt16(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  i8: (view, at, little) => safe(view.getBigInt64(at, little)),
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  u8: (view, at, little) => safe(view.getBigUint64(at, little)),
  f2: (view, at, little) => view.getFloat16(at, little),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
}

function safe(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new ModelError('corrupt', 'an integer beyond 2^53 in an array')
  return number
}

/** Elements as float64 in C order. Object arrays must hold numbers (None is NaN). @throws ModelError corrupt */
export function numbersOf(array: NdArray): Float64Array {
  if (Array.isArray(array.data)) return Float64Array.from(cOrder(array, array.data), numberOf)
  return readBytes(array.data, array.dtype, { array, offset: 0, stride: array.dtype.itemsize })
}

/** One field of a structured array, as float64, by name. @throws ModelError corrupt when the field is missing */
export function fieldOf(array: NdArray, name: string): Float64Array {
  const field = array.dtype.fields?.get(name)
  if (field === undefined || Array.isArray(array.data))
    throw new ModelError('corrupt', `an array has no field ${name}`)
  return readBytes(array.data, field.dtype, { array, offset: field.offset, stride: array.dtype.itemsize })
}

/** Elements as cells in C order: numbers, booleans, text, None. @throws ModelError corrupt for anything else */
export function cellsOf(value: NdArray | readonly Inert[]): Cell[] {
  if (!(value instanceof NdArray)) return value.map(cellOf)
  if (Array.isArray(value.data)) return Array.from(cOrder(value, value.data), cellOf)
  if (value.dtype.kind === 'U' || value.dtype.kind === 'S') return Array.from(cOrder(value, textsOf(value)))
  const numbers = numbersOf(value)
  return value.dtype.kind === 'b' ? Array.from(numbers, (n) => n !== 0) : Array.from(numbers)
}

/** Name of the dtype as numpy prints it: float64, int32, bool, object, string. */
export function dtypeName(dtype: DType): string {
  const names: Record<string, string> = { b: 'bool', O: 'object', U: 'string', S: 'string', V: 'void' }
  const prefix: Record<string, string> = { i: 'int', u: 'uint', f: 'float', c: 'complex' }
  return names[dtype.kind] ?? `${prefix[dtype.kind] ?? dtype.kind}${dtype.itemsize * 8}`
}

function numberOf(value: Inert): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === null) return Number.NaN
  if (value instanceof NdArray && value.length === 1) return numbersOf(value)[0]!
  throw new ModelError('corrupt', 'an array of objects where numbers were expected')
}

function cellOf(value: Inert): Cell {
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
    return value
  if (value instanceof NdArray && value.length === 1) return cellsOf(value)[0]!
  const what = value instanceof InertObject ? value.cls.qualified : typeof value
  throw new ModelError('corrupt', `an array holds ${what} where a category was expected`)
}

function readBytes(
  bytes: Uint8Array,
  dtype: DType,
  layout: { array: NdArray; offset: number; stride: number },
): Float64Array {
  const read = READERS[dtype.kind + dtype.itemsize]
  if (read === undefined) throw new ModelError('corrupt', `an array of dtype ${dtypeName(dtype)}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = layout.array.length
  const elements = new Float64Array(count)
  for (let i = 0; i < count; i++)
    elements[i] = read(view, i * layout.stride + layout.offset, !dtype.bigEndian)
  return layout.array.fortran ? Float64Array.from(cOrder(layout.array, elements)) : elements
}

/** Elements of a U or S array in storage order, without numpy's trailing zeros. @throws ModelError corrupt */
export function textsOf(array: NdArray): string[] {
  const bytes = array.data as Uint8Array
  const size = array.dtype.itemsize
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const step = array.dtype.kind === 'U' ? 4 : 1
  const codeAt = (at: number) => (step === 4 ? view.getUint32(at, !array.dtype.bigEndian) : view.getUint8(at))
  return Array.from({ length: array.length }, (_, i) => {
    let end = (i + 1) * size
    while (end > i * size && codeAt(end - step) === 0) end -= step
    let text = ''
    for (let at = i * size; at < end; at += step) text += character(codeAt(at))
    return text
  })
}

function character(code: number): string {
  if (code > 0x10ffff) throw new ModelError('corrupt', 'an array has a character beyond Unicode')
  return String.fromCodePoint(code)
}

/** Fortran-ordered elements in C order: walks the result and steps through the source, last axis fastest. */
function cOrder<T>(array: NdArray, elements: ArrayLike<T>): ArrayLike<T> {
  const { shape } = array
  if (!array.fortran || shape.length < 2) return elements
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1))
  const index = new Array<number>(shape.length).fill(0)
  const result = new Array<T>(elements.length)
  let source = 0
  for (let target = 0; target < elements.length; target++) {
    result[target] = elements[source]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      source -= strides[axis]! * shape[axis]!
      index[axis] = 0
    }
  }
  return result
}
