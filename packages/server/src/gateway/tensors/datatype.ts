import { isUtf8 } from 'node:buffer'
import type { Cell } from '@millwright/engine'

/** Open Inference Protocol V2, "Tensor Data Types". */
export type Datatype =
  | 'BOOL'
  | `${'INT' | 'UINT'}${8 | 16 | 32 | 64}`
  | 'FP16'
  | 'BF16'
  | 'FP32'
  | 'FP64'
  | 'BYTES'

/** Elements of one tensor, in row-major order. Integers of 64 bits are rounded to doubles, as numpy's `astype` does. */
export type Elements = ArrayLike<Cell>

type Codec = {
  /** Bytes of one element; 0: varies. */
  readonly bytes: number
  /** What one element is called in a message, and what one in JSON must be. */
  readonly expected: string
  readonly isElement: (value: unknown) => boolean
  /** A number of JSON as the datatype holds it; undefined: as it is. */
  readonly round?: (value: number) => number
  /** Little-endian bytes → elements; their number is that of the bytes. */
  readonly decode: (bytes: Buffer) => Elements
  readonly encode: (elements: Elements) => Uint8Array
}

type ArrayOf<T> = {
  new (
    buffer: ArrayBufferLike,
    byteOffset: number,
    length: number,
  ): { readonly length: number; [index: number]: T }
}

/** Bytes where typed arrays may stand: a copy, as pieces of a request start anywhere. The pool of buffers is aligned. */
function aligned(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length)
  bytes.copy(copy)
  return copy
}

/** A typed array over the bytes of a buffer. */
const viewOf = <T>(array: ArrayOf<T>, { buffer, byteOffset, length }: Buffer, bytes: number) =>
  new array(buffer, byteOffset, Math.trunc(length / bytes))

const numbers = (
  array: ArrayOf<number>,
  bytes: number,
  json: Pick<Codec, 'expected' | 'isElement' | 'round'>,
): Codec => ({
  bytes,
  ...json,
  decode: (data) => viewOf(array, aligned(data), bytes),
  encode(elements) {
    const data = Buffer.allocUnsafe(elements.length * bytes)
    const view = viewOf(array, data, bytes)
    for (let index = 0; index < elements.length; index++) view[index] = Number(elements[index])
    return data
  },
})

const integer = (min: number, max: number): Pick<Codec, 'expected' | 'isElement'> => ({
  expected: `an integer from ${min} to ${max}`,
  isElement: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
})
const signed = (bits: number) => integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
const unsigned = (bits: number) => integer(0, 2 ** bits - 1)

/** As numpy reads it: null is a missing value, true is 1; what is beyond float32 would become infinite. */
const float = (limit: number, name: string): Pick<Codec, 'expected' | 'isElement'> => ({
  expected: `a number${name}`,
  isElement: (value) =>
    value === null ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && (Math.abs(value) <= limit || !Number.isFinite(value))),
})

const bigIntegers = (array: ArrayOf<bigint>, json: Pick<Codec, 'expected' | 'isElement'>): Codec => ({
  bytes: 8,
  ...json,
  decode: (data) => Float64Array.from(viewOf(array, aligned(data), 8), Number),
  encode(elements) {
    const data = Buffer.allocUnsafe(elements.length * 8)
    const view = viewOf(array, data, 8)
    for (let index = 0; index < elements.length; index++) view[index] = BigInt(Number(elements[index]))
    return data
  },
})

/** FP16 and BF16 do not travel as JSON numbers. */
const BINARY_ONLY = { expected: 'binary tensor data', isElement: () => false }

const FLOAT32_MAX = 3.4028235677973366e38

export const DATATYPES: ReadonlyMap<string, Codec> = new Map<Datatype, Codec>([
  [
    'BOOL',
    {
      bytes: 1,
      expected: 'true or false',
      isElement: (value) => typeof value === 'boolean',
      decode: (bytes) => Array.from(bytes, (byte) => byte !== 0),
      encode: (elements) => Uint8Array.from(elements, (value) => (value ? 1 : 0)),
    },
  ],
  ['INT8', numbers(Int8Array, 1, signed(8))],
  ['INT16', numbers(Int16Array, 2, signed(16))],
  ['INT32', numbers(Int32Array, 4, signed(32))],
  ['INT64', bigIntegers(BigInt64Array, signed(64))],
  ['UINT8', numbers(Uint8Array, 1, unsigned(8))],
  ['UINT16', numbers(Uint16Array, 2, unsigned(16))],
  ['UINT32', numbers(Uint32Array, 4, unsigned(32))],
  ['UINT64', bigIntegers(BigUint64Array, unsigned(64))],
  ['FP16', numbers(Float16Array, 2, BINARY_ONLY)],
  ['FP32', numbers(Float32Array, 4, { ...float(FLOAT32_MAX, ' within ±3.4e38'), round: Math.fround })],
  ['FP64', numbers(Float64Array, 8, float(Number.MAX_VALUE, ''))],
  [
    'BF16',
    {
      bytes: 2,
      ...BINARY_ONLY,
      decode(bytes) {
        const halves = viewOf(Uint16Array, aligned(bytes), 2)
        return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer)
      },
      encode(elements) {
        const singles = new Uint32Array(Float32Array.from(elements, Number).buffer)
        return new Uint8Array(Uint16Array.from(singles, (single) => single >>> 16).buffer)
      },
    },
  ],
  [
    'BYTES',
    {
      bytes: 0,
      expected: 'a string',
      isElement: (value) => typeof value === 'string',
      decode: decodeTexts,
      encode: encodeTexts,
    },
  ],
])

/** Length of 4 bytes before each element. @throws RangeError when they do not add up, or are not UTF-8 */
function decodeTexts(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4
    const end = start > bytes.length ? start : start + bytes.readUInt32LE(at)
    if (end > bytes.length)
      throw new RangeError(`element ${texts.length} ends at byte ${end} of ${bytes.length}`)
    texts.push(textOf(bytes.subarray(start, end), texts.length))
    at = end
  }
  return texts
}

/** @throws RangeError when it is not UTF-8 */
export function textOf(bytes: Uint8Array, index: number): string {
  if (!isUtf8(bytes)) throw new RangeError(`element ${index} is not UTF-8`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function encodeTexts(elements: Elements): Uint8Array {
  const pieces = Array.from(elements, (element) => Buffer.from(String(element)))
  const bytes = Buffer.allocUnsafe(pieces.reduce((sum, piece) => sum + 4 + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    at = bytes.writeUInt32LE(piece.length, at)
    at += piece.copy(bytes, at)
  }
  return bytes
}

/** numpy's dtype → datatype. Text and mixed labels are BYTES. */
export const datatypeOf = (dtype: string): Datatype => BY_DTYPE.get(dtype) ?? 'BYTES'

const BY_DTYPE: ReadonlyMap<string, Datatype> = new Map([
  ['float64', 'FP64'],
  ['float32', 'FP32'],
  ['int64', 'INT64'],
  ['int32', 'INT32'],
  ['bool', 'BOOL'],
])
