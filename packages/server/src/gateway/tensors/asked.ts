import type { Method } from '@millwright/engine'
import { describe, isObject } from '@millwright/inference/convert'
import { pointerTo } from '@millwright/inference/validate'
import { isUnnamed } from '../row-forms/columns.ts'
import { invalidFields, type RowSource } from '../rows.ts'
import type { Served } from '../served.ts'
import { defaultOutputs, methodNamed } from './infer.ts'
import { rowsOfTensors } from './rows.ts'
import type { Tensor } from './tensor.ts'

/** What the dialects of the V2 protocol have in common: which outputs are asked for, and how. */

/** Parameter of a request that says whom it is about, for the split between versions. */
export const UNIT_PARAMETER = 'millwright_unit'

/** An output that was asked for, by the name the client uses. */
export type AskedOutput = {
  readonly name: string
  readonly method: Method
  /** In bytes behind the JSON, not in it. */
  readonly binary: boolean
  /** The best so many classes in Triton's classification text; undefined: the tensor itself. */
  readonly classes: number | undefined
}

export type AskedInference = {
  readonly id: string | undefined
  readonly rows: RowSource
  /** In the order of the answer. */
  readonly outputs: readonly AskedOutput[]
}

const OUTPUTS = 256
const ID_CHARACTERS = 256

export const wrongType = (pointer: string, expected: string, got: unknown) =>
  invalidFields([{ pointer, code: 'wrong_type', message: `${expected}, got ${describe(got)}` }])

/** @throws MillwrightError VALIDATION_FAILED */
export function assertId(id: unknown): asserts id is string | null | undefined {
  if (id === undefined || id === null || (typeof id === 'string' && id.length <= ID_CHARACTERS)) return
  throw wrongType('/id', `id: expected a string of at most ${ID_CHARACTERS} characters`, id)
}

/** @throws MillwrightError VALIDATION_FAILED */
export function assertInputs(inputs: unknown, most: number): asserts inputs is unknown[] {
  if (!Array.isArray(inputs) || inputs.length > most)
    throw wrongType('/inputs', `inputs: expected a list of at most ${most} tensors`, inputs)
}

/**
 * The rows of a request. `contentType` is the parameter that MLServer's codecs write: `pd` is a pandas frame, of which other
 * columns than the model's are ignored, and whose names are the caller's where the model has none.
 * @throws MillwrightError VALIDATION_FAILED
 */
export function rowsAsked(served: Served, tensors: readonly Tensor[], contentType: unknown): RowSource {
  const isFrame = contentType === 'pd'
  return rowsOfTensors(tensors, served.readers.tensor.names, {
    ...{ ignoreExtra: isFrame, byOrder: isFrame && isUnnamed(served.routed.version.schema.inputs) },
  })
}

/**
 * The outputs asked for, or the default ones; of a request with a `contentType` that does not ask for bytes the prediction
 * alone: MLServer's codecs take the only tensor of an answer, or make one frame of all.
 * @throws MillwrightError VALIDATION_FAILED
 */
export function parseOutputs(
  served: Served,
  outputs: unknown,
  { binaryByDefault = false, contentType }: { binaryByDefault?: boolean; contentType?: unknown } = {},
): AskedOutput[] {
  const isCodec = typeof contentType === 'string' && !binaryByDefault
  if (outputs === undefined || outputs === null || (Array.isArray(outputs) && outputs.length === 0))
    return (isCodec ? [served.labelMethod] : defaultOutputs(served)).map((method) => ({
      ...{ name: method, method, binary: binaryByDefault, classes: undefined },
    }))
  if (!Array.isArray(outputs) || outputs.length > OUTPUTS)
    throw wrongType('/outputs', `outputs: expected a list of at most ${OUTPUTS}`, outputs)
  const asked = outputs.map((output, index) => parseOutput(served, output, { index, binaryByDefault }))
  const repeated = asked.findIndex(
    ({ name }, index) => asked.findIndex((other) => other.name === name) < index,
  )
  if (repeated === -1) return asked
  throw wrongType(`/outputs/${repeated}`, 'outputs: expected each name once', asked[repeated]!.name)
}

function parseOutput(
  served: Served,
  output: unknown,
  { index, binaryByDefault }: { index: number; binaryByDefault: boolean },
): AskedOutput {
  const pointer = `/outputs/${index}`
  if (!isObject(output)) throw wrongType(pointer, 'outputs: expected an object with a name', output)
  assertParameters(output.parameters, pointer)
  const { binary_data: binary, classification } = isObject(output.parameters) ? output.parameters : {}
  if (
    classification !== undefined &&
    !(Number.isSafeInteger(classification) && (classification as number) >= 0)
  )
    throw wrongType(
      `${pointer}/parameters/classification`,
      'classification: expected a number of classes',
      classification,
    )
  const method = methodNamed(served, output.name, `${pointer}/name`)
  return {
    name: output.name as string,
    method,
    binary: typeof binary === 'boolean' ? binary : binaryByDefault,
    classes: classification ? (classification as number) : undefined,
  }
}

/** Strings, numbers and booleans, as the protocol says. @throws MillwrightError VALIDATION_FAILED */
export function assertParameters(parameters: unknown, base: string): void {
  if (parameters === undefined || parameters === null) return
  if (!isObject(parameters))
    throw wrongType(`${base}/parameters`, 'parameters: expected an object', parameters)
  for (const [name, value] of Object.entries(parameters))
    if (typeof value === 'object' && value !== null)
      throw wrongType(
        `${base}${pointerTo('parameters', name)}`,
        'parameters: expected a string, a number, true or false',
        value,
      )
}
