import { describe } from '@millwright/inference/convert'
import { pointerTo } from '@millwright/inference/validate'
import type { DoorDeps } from '../../door.ts'
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
import type { Elements } from '../../tensors/datatype.ts'
import { decodeBytes, type Place, parseElements, refusal, type Tensor } from '../../tensors/tensor.ts'
import { CONTENTS_OF, type Contents } from './contents.ts'
import type { InferParameter, ModelInferRequest } from './messages.ts'

export type InferRequest = ReturnType<typeof ModelInferRequest.decode>
type Input = InferRequest['inputs'][number]
type Parameters = ReadonlyMap<string, ReturnType<typeof InferParameter.decode>>

/**
 * Reads a ModelInfer request. Inputs come either all as raw bytes, or all as typed contents, and so do its outputs.
 * @throws MillwrightError VALIDATION_FAILED
 */
export function parseInference({ limits }: DoorDeps, served: Served, request: InferRequest): AskedInference {
  const { id, inputs, outputs, raw_input_contents: raw } = request
  assertId(id)
  assertInputs(inputs, limits.tensors)
  const { content_type: contentType } = parametersOf(request.parameters, '')
  if (raw.length > 0 && raw.length !== inputs.length)
    throw refusal(
      { pointer: '/raw_input_contents', name: 'raw_input_contents' },
      'wrong_length',
      `expected one for each of ${inputs.length} inputs, got ${raw.length}`,
    )
  const tensors = inputs.map((input, index) => parseTensor(input, index, raw[index]))
  const asked = outputs.map(({ name, parameters: own }, index) => ({
    name,
    parameters: parametersOf(own, `/outputs/${index}`),
  }))
  return {
    id: id === '' ? undefined : id,
    rows: rowsAsked(served, tensors, contentType),
    outputs: parseOutputs(served, asked, { binaryByDefault: raw.length > 0, contentType }),
  }
}

/** Whom the request is about. */
export const unitOfInference = ({ parameters }: InferRequest): string | undefined =>
  unitText(Object.values(parameters.get(UNIT_PARAMETER) ?? {}).find((value) => value !== undefined))

function parseTensor(input: Input, index: number, raw: Uint8Array | undefined): Tensor {
  const { name, datatype, shape, contents } = input
  const place = { pointer: `/inputs/${index}`, name: name.slice(0, 128) }
  parametersOf(input.parameters, place.pointer)
  const filled = contents === undefined ? [] : filledFields(contents)
  if (raw === undefined) return { name, datatype, shape, elements: typedElements(input, filled, place) }
  if (filled.length > 0)
    throw refusal(place, 'wrong_type', `expected either raw_input_contents or contents, got both`)
  return { name, datatype, shape, elements: decodeBytes({ datatype, shape }, raw as Buffer, place) }
}

const filledFields = (contents: Contents): (keyof Contents)[] =>
  (Object.keys(contents) as (keyof Contents)[]).filter((field) => contents[field].length > 0)

function typedElements(
  { datatype, shape, contents }: Input,
  filled: readonly (keyof Contents)[],
  place: Place,
): Elements {
  const field = CONTENTS_OF[datatype]
  const other = filled.find((name) => name !== field)
  if (field !== undefined && other !== undefined)
    throw refusal(place, 'wrong_type', `expected ${field} for ${datatype}, got ${other}`)
  const data = contents?.[field ?? other ?? 'bytes_contents'] ?? []
  return parseElements({ datatype, shape, data }, place)
}

/** Parameters as REST has them. @throws MillwrightError VALIDATION_FAILED when one has no value */
function parametersOf(parameters: Parameters, base: string): Readonly<Record<string, unknown>> {
  if (parameters.size === 0) return {}
  const entries = Array.from(parameters, ([name, choice]): [string, unknown] => {
    const value = Object.values(choice).find((candidate) => candidate !== undefined)
    if (value === undefined)
      throw wrongType(
        `${base}${pointerTo('parameters', name)}`,
        `parameters: expected a value of ${describe(name)}`,
        undefined,
      )
    return [name, value]
  })
  const values = Object.fromEntries(entries)
  assertParameters(values, base)
  return values
}
