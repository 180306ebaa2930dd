import { type Budget, overLimit } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import { numbersOf, textsOf } from './numpy.ts'
import { DType, type Inert, NdArray } from './values.ts'

/** `[<>|=]` kind size, as `numpy.dtype` is pickled and as the array protocol writes it. */
const DTYPE = /^([<>|=]?)([biufcOSUVMm?])(\d{0,9})(\[.*\])?$/

const SIZES: Readonly<Record<string, readonly number[]>> = {
  b: [1],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
  f: [2, 4, 8, 12, 16],
  c: [8, 16, 24, 32],
  O: [4, 8],
  M: [8],
  m: [8],
}

const MAX_ITEM_BYTES = 2 ** 28

/** `numpy.dtype('<f8')`. @throws ModelError corrupt */
export function dtypeOf(spec: Inert): DType {
  const match = typeof spec === 'string' ? DTYPE.exec(spec) : null
  if (match === null) throw new ModelError('corrupt', 'a numpy dtype that is not one we know')
  const kind = match[2] === '?' ? 'b' : match[2]!
  const number = match[3] === '' ? (SIZES[kind]?.at(-1) ?? 0) : Number(match[3])
  const dtype = new DType(kind, kind === 'U' ? number * 4 : number, match[1] === '>')
  assertItemSize(dtype)
  return dtype
}

function assertItemSize(dtype: DType): void {
  const sizes = SIZES[dtype.kind]
  const legal = sizes === undefined ? dtype.itemsize <= MAX_ITEM_BYTES : sizes.includes(dtype.itemsize)
  if (!legal) throw new ModelError('corrupt', `a numpy dtype ${dtype.kind} of ${dtype.itemsize} bytes`)
}

/** `dtype.__setstate__((version, endian, subarray, names, fields, itemsize, alignment, …))`. @throws ModelError */
export function setDTypeState(dtype: DType, state: Inert): void {
  if (!Array.isArray(state) || state.length < 7)
    throw new ModelError('corrupt', 'a numpy dtype without state')
  const [, endian, , names, fields, itemsize] = state
  if (Object.isFrozen(dtype)) throw new ModelError('corrupt', 'a numpy dtype that changes after its use')
  dtype.bigEndian = endian === '>'
  if (names === null && fields === null) {
    if (dtype.kind === 'V' && typeof itemsize === 'number' && itemsize >= 0) dtype.itemsize = itemsize
    assertItemSize(dtype)
    return
  }
  if (!Array.isArray(names) || !(fields instanceof Map) || typeof itemsize !== 'number' || itemsize < 0)
    throw new ModelError('corrupt', 'a structured numpy dtype without fields')
  dtype.itemsize = itemsize
  assertItemSize(dtype)
  dtype.fields = new Map(names.map((name) => [String(name), fieldDType(fields.get(name), itemsize)]))
}

function fieldDType(field: Inert | undefined, itemsize: number): { dtype: DType; offset: number } {
  if (Array.isArray(field)) {
    const [dtype, offset] = field
    const fits = typeof offset === 'number' && Number.isInteger(offset) && offset >= 0
    if (dtype instanceof DType && fits && offset + dtype.itemsize <= itemsize)
      return { dtype: Object.freeze(dtype), offset }
  }
  throw new ModelError('corrupt', 'a structured numpy dtype whose fields do not fit')
}

/** `ndarray.__setstate__((version, shape, dtype, fortran, data))`; version 0 has no version. @throws ModelError */
export function setArrayState(array: NdArray, state: Inert, budget: Budget): void {
  const parts = Array.isArray(state) && state.length === 5 ? state.slice(1) : state
  if (!Array.isArray(parts) || parts.length !== 4)
    throw new ModelError('corrupt', 'a numpy array without state')
  const [shape, dtype, fortran, data] = parts
  const built = buildArray({ shape, dtype, data }, fortran === true || fortran === 1, budget)
  array.shape = built.shape
  array.dtype = built.dtype
  array.fortran = built.fortran
  array.data = built.data
}

type ArrayParts = { shape: Inert | undefined; dtype: Inert | undefined; data: Inert | undefined }

/** An array whose shape, dtype and data agree; the dtype is frozen so that they go on to. @throws ModelError */
export function buildArray(parts: ArrayParts, fortran: boolean, budget: Budget): NdArray {
  const { dtype, data } = parts
  if (!(dtype instanceof DType)) throw new ModelError('corrupt', 'a numpy array without a dtype')
  const shape = shapeOf(parts.shape)
  const count = elementCount(shape, budget)
  if (Array.isArray(data)) {
    if (dtype.kind !== 'O' || data.length !== count)
      throw new ModelError('corrupt', `a numpy array of ${count} elements holds ${data.length}`)
  } else if (!(data instanceof Uint8Array) || dtype.kind === 'O' || data.length !== count * dtype.itemsize) {
    const hint = 'a file written by Python 2 must be saved again from Python 3'
    throw new ModelError('corrupt', `a numpy array of ${count} elements whose data do not fit`, { hint })
  }
  return new NdArray(shape, Object.freeze(dtype), fortran, data)
}

/** Dimensions of an array. @throws ModelError corrupt */
export function shapeOf(value: Inert | undefined): number[] {
  const shape = typeof value === 'number' ? [value] : value
  if (Array.isArray(shape) && shape.length <= 64 && shape.every(isDimension)) return shape
  throw new ModelError('corrupt', 'a numpy array whose shape is not a list of lengths')
}

const isDimension = (value: Inert): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0

/** Product of the dimensions, also safe where numpy arrays have zero bytes per element. @throws ModelError limit */
export function elementCount(shape: readonly number[], budget: Budget): number {
  const count = shape.reduce((product, dimension) => product * dimension, 1)
  if (count > budget.limits.maxDecompressedBytes)
    throw overLimit('elements in an array', budget.limits.maxDecompressedBytes)
  return count
}

/**
 * `numpy.core.multiarray.scalar(dtype, bytes)`: number, boolean, text or bytes; integers beyond 2^53 are bigints;
 * kinds without a JavaScript value (complex, dates, structs) stay arrays of shape [].
 */
export function scalarOf(dtype: Inert | undefined, data: Inert | undefined, budget: Budget): Inert {
  if (dtype instanceof DType && dtype.kind === 'O') return data ?? null
  const array = buildArray({ shape: [], dtype, data }, false, budget)
  const bytes = array.data as Uint8Array
  budget.copy(bytes.length)
  const { kind, itemsize } = array.dtype
  if (kind === 'b') return bytes[0] !== 0
  if (kind === 'U') return textsOf(array)[0]!
  if (kind === 'S') return bytes
  if ((kind === 'i' || kind === 'u') && itemsize === 8) return wideInteger(bytes, array.dtype)
  if (kind === 'i' || kind === 'u' || (kind === 'f' && itemsize <= 8)) return numbersOf(array)[0]!
  return array
}

function wideInteger(bytes: Uint8Array, dtype: DType): number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  const little = !dtype.bigEndian
  return narrow(dtype.kind === 'i' ? view.getBigInt64(0, little) : view.getBigUint64(0, little))
}

/** A number where it is exact, else a bigint. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
