import { describe, isObject } from '@millwright/inference/convert'
import { decodeUtf8, parseJsonWithNaN } from '../../../inference/json-body.ts'
import type { DoorDeps } from '../../door.ts'
import type { Exchange } from '../../exchange.ts'
import type { Served } from '../../served.ts'
import { unitText } from '../../split.ts'
import {
  type AskedInference,
  assertId,
  assertInputs,
  assertParameters,
  parseOutputs,
  rowsAsked,
  UNIT_PARAMETER,
  wrongType,
} from '../../tensors/asked.ts'
import { textOf } from '../../tensors/datatype.ts'
import { rowsOfTensors } from '../../tensors/rows.ts'
import { decodeBytes, type Place, parseElements, refusal, type Tensor } from '../../tensors/tensor.ts'

const HEADER_LENGTH = 'inference-header-content-length'

/** A request as far as it is read without a model: its JSON and the bytes behind that, or nothing but bytes. */
export type InferenceBody = {
  readonly document: Readonly<Record<string, unknown>> | undefined
  readonly tail: Buffer
}

/**
 * Reads the JSON of an inference request of the V2 protocol, REST, with the binary tensor extension. Whether it is
 * binary is told by its header alone: real clients send any content type, or none.
 * @throws MillwrightError INVALID_JSON, VALIDATION_FAILED
 */
export function readInference({ limits }: DoorDeps, exchange: Exchange, body: Buffer): InferenceBody {
  const length = exchange.header(HEADER_LENGTH)
  const jsonBytes =
    length === undefined ? body.length : /^\d{1,10}$/.test(length) ? Number(length) : Number.NaN
  if (!(jsonBytes <= body.length))
    throw refusal(
      { pointer: '', name: HEADER_LENGTH },
      'out_of_range',
      `expected a number of bytes up to the body's ${body.length}, got ${describe(length)}`,
    )
  if (length !== undefined && jsonBytes === 0) return { document: undefined, tail: body }
  const document = parseJsonWithNaN(decodeUtf8(body.subarray(0, jsonBytes)), limits.jsonDepth)
  if (!isObject(document)) throw wrongType('', 'expected an object with inputs', document)
  return { document, tail: body.subarray(jsonBytes) }
}

/** Whom the request is about. */
export function unitOfInference({ document }: InferenceBody): string | undefined {
  const parameters = document?.parameters
  return isObject(parameters) ? unitText(parameters[UNIT_PARAMETER]) : undefined
}

/** @throws MillwrightError VALIDATION_FAILED */
export function parseInference(
  { limits }: DoorDeps,
  served: Served,
  { document, tail }: InferenceBody,
): AskedInference {
  if (document === undefined) return rawInference(served, tail)
  const { id, inputs, outputs, parameters } = document
  assertId(id)
  assertInputs(inputs, limits.tensors)
  assertParameters(parameters, '')
  const bytes = new Tail(tail)
  const tensors = inputs.map((input, index) => parseTensor(input, index, bytes))
  if (bytes.left > 0)
    throw refusal(
      { pointer: '/inputs', name: 'inputs' },
      'wrong_length',
      `expected the binary data to end with the last tensor, got ${bytes.left} bytes more`,
    )
  const { content_type: contentType, binary_data_output: binary } = isObject(parameters) ? parameters : {}
  return {
    id: id ?? undefined,
    rows: rowsAsked(served, tensors, contentType),
    outputs: parseOutputs(served, outputs, { binaryByDefault: binary === true, contentType }),
  }
}

/** Binary tensors follow each other behind the JSON. */
class Tail {
  #at = 0
  readonly #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(size: unknown, place: Place): Buffer {
    if (!Number.isSafeInteger(size) || (size as number) < 0 || (size as number) > this.left)
      throw refusal(
        place,
        'out_of_range',
        `expected a binary_data_size up to the ${this.left} bytes left, got ${describe(size)}`,
      )
    const start = this.#at
    this.#at += size as number
    return this.#bytes.subarray(start, this.#at)
  }
}

function parseTensor(input: unknown, index: number, tail: Tail): Tensor {
  const pointer = `/inputs/${index}`
  if (!isObject(input) || typeof input.name !== 'string')
    throw wrongType(pointer, `inputs: expected an object with name, datatype, shape and data`, input)
  const { name, datatype, shape, data, parameters } = input
  const place = { pointer, name: name.slice(0, 128) }
  assertParameters(parameters, pointer)
  const size = isObject(parameters) ? parameters.binary_data_size : undefined
  if ((size === undefined) === (data === undefined))
    throw refusal(place, 'wrong_type', 'expected either data or a binary_data_size in parameters')
  const elements =
    size === undefined
      ? parseElements({ datatype, shape, data }, place)
      : decodeBytes({ datatype, shape }, tail.take(size, place), place)
  return { name, datatype: datatype as string, shape: shape as number[], elements }
}

/** Triton's raw binary request: the bytes of the only input, one row of it. */
function rawInference(served: Served, body: Buffer): AskedInference {
  const { names } = served.readers.tensor
  const place = { pointer: '', name: 'raw_input' }
  const isText = names.length === 1 && served.routed.version.schema.inputs[0]!.type === 'string'
  const datatype = body.length === 4 * names.length ? 'FP32' : 'FP64'
  const shape = [1, names.length]
  const elements = isText ? [textOf(body, 0)] : decodeBytes({ datatype, shape }, body, place)
  return {
    id: undefined,
    rows: rowsOfTensors([{ name: place.name, datatype, shape, elements }], names),
    outputs: parseOutputs(served, undefined, { binaryByDefault: true }),
  }
}
