import type { FieldError } from '@millwright/contracts'
import type { Cell } from '@millwright/engine'
import { describe } from '@millwright/inference/convert'
import { invalidFields } from '../rows.ts'
import { DATATYPES, type Elements } from './datatype.ts'

/** An input as it came: a name, how its elements are laid out, and the elements in row-major order. */
export type Tensor = {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly number[]
  readonly elements: Elements
}

/** Where a tensor stands in the request (JSON pointer), and its name for messages. */
export type Place = { readonly pointer: string; readonly name: string }

const RANK = 16
const ELEMENTS = 16 << 20

export const refusal = ({ pointer, name }: Place, code: string, message: string) =>
  invalidFields([faultAt({ pointer, name }, code, message)])

export const faultAt = ({ pointer, name }: Place, code: string, message: string): FieldError => ({
  pointer,
  code,
  message: `${name}: ${message}`,
})

/** @returns the number of elements @throws MillwrightError VALIDATION_FAILED */
function countElements(shape: unknown, place: Place): number {
  const at = { ...place, pointer: `${place.pointer}/shape` }
  if (!Array.isArray(shape) || shape.length === 0 || shape.length > RANK)
    throw refusal(at, 'wrong_shape', `expected a shape of 1 to ${RANK} dimensions, got ${describe(shape)}`)
  let count = 1
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0)
      throw refusal(at, 'wrong_shape', `expected dimensions that are integers from 0, got ${describe(size)}`)
    count *= size
    if (count > ELEMENTS)
      throw refusal(
        at,
        'too_large',
        `expected at most ${ELEMENTS} elements, got a shape of ${JSON.stringify(shape)}`,
      )
  }
  return count
}

/** @throws MillwrightError VALIDATION_FAILED */
function codecOf(datatype: unknown, place: Place) {
  const codec = typeof datatype === 'string' ? DATATYPES.get(datatype) : undefined
  if (codec !== undefined) return codec
  const known = [...DATATYPES.keys()].join(', ')
  const at = { ...place, pointer: `${place.pointer}/datatype` }
  throw refusal(at, 'unknown_datatype', `expected a datatype of ${known}, got ${describe(datatype)}`)
}

/** Elements out of little-endian bytes. @throws MillwrightError VALIDATION_FAILED when their number is not the shape's */
export function decodeBytes(
  tensor: { readonly datatype: unknown; readonly shape: unknown },
  bytes: Buffer,
  place: Place,
): Elements {
  const count = countElements(tensor.shape, place)
  const codec = codecOf(tensor.datatype, place)
  const wrong = (message: string) => refusal(place, 'wrong_length', message)
  if (codec.bytes > 0 && bytes.length !== count * codec.bytes)
    throw wrong(
      `expected ${count * codec.bytes} bytes for ${tensor.datatype} of shape ${JSON.stringify(tensor.shape)}, got ${bytes.length}`,
    )
  try {
    const elements = codec.decode(bytes)
    if (elements.length === count) return elements
    throw new RangeError(`got ${elements.length} elements`)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw wrong(
      `expected ${count} elements of ${tensor.datatype}, each after its length in 4 bytes; ${error.message}`,
    )
  }
}

/** Elements out of a JSON list, flat or nested. @throws MillwrightError VALIDATION_FAILED that says which element is wrong */
export function parseElements(
  tensor: { readonly datatype: unknown; readonly shape: unknown; readonly data: unknown },
  place: Place,
): Elements {
  const count = countElements(tensor.shape, place)
  const codec = codecOf(tensor.datatype, place)
  const at = { ...place, pointer: `${place.pointer}/data` }
  const { data } = tensor
  if (!Array.isArray(data)) throw refusal(at, 'wrong_type', `expected data: a list, got ${describe(data)}`)
  const elements: unknown[] = Array.isArray(data[0]) ? data.flat(RANK) : data
  if (elements.length !== count)
    throw refusal(
      at,
      'wrong_length',
      `expected ${count} elements as its shape ${JSON.stringify(tensor.shape)} says, got ${elements.length}`,
    )
  const bad = elements.findIndex((element) => !codec.isElement(element))
  if (bad !== -1)
    throw refusal(
      at,
      'wrong_type',
      `expected ${codec.expected} for ${tensor.datatype}, got ${describe(elements[bad])} at element ${bad}`,
    )
  const { round } = codec
  if (round === undefined) return elements as Cell[]
  return elements.map((element) => (typeof element === 'number' ? round(element) : element)) as Cell[]
}
