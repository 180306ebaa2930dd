import { Budget, type Limits } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import type { Cell } from '../../ir/program.ts'
import { assertSelfContained, operatorsOf } from './contents.ts'
import { type Dictionaries, dictionariesOf, labelListsOf } from './labels.ts'
import { decodeMessage, type Message } from './wire.ts'

/** Elements of tensors that go in and come out, by their number in the file; as ONNX Runtime's JavaScript names them. */
const ELEMENTS: ReadonlyMap<number, OnnxElement> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [8, 'string'],
  [9, 'bool'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
])

export type OnnxElement =
  | 'float32'
  | 'float64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'

/** A tensor that has one row of `shape` for every row of the request; `shape` is empty where a row is one value. */
export type OnnxInput = {
  readonly name: string
  readonly element: OnnxElement
  readonly shape: readonly number[]
}

/** `dictionaries`: it answers a dictionary a row (ZipMap), whose matrix is read instead. */
export type OnnxOutput = {
  readonly name: string
  readonly element: OnnxElement
  readonly shape: readonly number[]
  readonly dictionaries?: Dictionaries
}

/** What is known of an ONNX model without running it. */
export type OnnxModel = {
  readonly bytes: Uint8Array
  readonly irVersion: number
  /** Program that wrote it, with its version. */
  readonly producer: string
  readonly opsets: readonly { readonly domain: string; readonly version: number }[]
  /** Names of the operators used, `domain.Name` outside of the standard ones, sorted. */
  readonly operators: readonly string[]
  readonly metadata: readonly (readonly [key: string, value: string])[]
  readonly inputs: readonly OnnxInput[]
  readonly outputs: readonly OnnxOutput[]
  /** It takes one row at a time: it was exported with a first dimension of 1. */
  readonly rowByRow: boolean
  /** Outputs that do not answer row by row, and why. */
  readonly leftOut: readonly string[]
  /** Lists that may be the labels of its classes, in the order of its probabilities. */
  readonly labelLists: readonly (readonly Cell[])[]
}

/**
 * Reads what an ONNX file says of itself. Weights stay where they are.
 * @throws ModelError corrupt | limit | hostile | unsupported
 */
export function readOnnx(bytes: Uint8Array, limits: Limits): OnnxModel {
  const model = decodeMessage(bytes, 'model', new Budget(limits))
  const graph = only(model.graph, 'graphs')
  assertSelfContained(model)
  const initialized = new Set(graph.initializers.map((tensor) => tensor.name[0]))
  const given = graph.inputs.filter(({ name }) => !initialized.has(name[0]))
  if (given.length === 0)
    throw new ModelError('unsupported', 'the model has no inputs: it always answers the same')
  const inputs = given.map(inputOf)
  assertDistinct(graph.inputs, 'inputs')
  assertDistinct(graph.outputs, 'outputs')
  const outputs = graph.outputs.map((value) => outputOf(value, graph))
  return {
    bytes,
    irVersion: model.irVersion[0] ?? 0,
    producer: [model.producer[0], model.producerVersion[0]].filter(Boolean).join(' ').slice(0, 200),
    opsets: model.opsets.map(({ domain, version }) => ({
      domain: domain[0] || 'ai.onnx',
      version: version[0] ?? 0,
    })),
    operators: operatorsOf(model),
    metadata: model.metadata.map(({ key, value }) => [key[0] ?? '', value[0] ?? '']),
    inputs: inputs.map(({ tensor }) => tensor),
    rowByRow: inputs.some(({ rows }) => rows === 1),
    outputs: outputs.filter((output) => typeof output !== 'string'),
    leftOut: outputs.filter((output) => typeof output === 'string'),
    labelLists: labelListsOf(graph),
  }
}

/** @throws ModelError corrupt when there are none or several, of which the runtime may take another than we */
function only<T>(values: readonly T[], what: string): T {
  const [value] = values
  if (value === undefined || values.length > 1)
    throw new ModelError('corrupt', `the model has ${values.length} ${what}, expected one`, {
      hint: 'export it again',
    })
  return value
}

function assertDistinct(values: readonly Message<'value'>[], what: string): void {
  const names = values.map(({ name }) => name[0] ?? '')
  if (names.includes('') || new Set(names).size < names.length)
    throw new ModelError('corrupt', `the ${what} of the model have no names of their own`, {
      hint: 'export it again',
    })
}

type Sized = { readonly tensor: OnnxInput; readonly rows: number | undefined }

const DYNAMIC =
  'export it with a first dimension that is free (torch: dynamic_axes or dynamic_shapes, tf2onnx: a signature of [None, …]) and the others fixed'

function inputOf({ name: [name = ''], type }: Message<'value'>): Sized {
  const where = { path: [`input '${name}'`] }
  const { tensor } = only(type, 'types of an input')
  if (tensor.length === 0)
    throw new ModelError('unsupported', 'it is no tensor but a sequence, a dictionary or optional', {
      ...where,
      hint: 'export the model with tensors as inputs',
    })
  const found = only(tensor, 'types of an input')
  const element = elementOf(found)
  if (element === undefined)
    throw new ModelError('unsupported', `its elements (type ${found.element[0] ?? 0}) are not served`, {
      ...where,
      hint: 'export the model with inputs of float32, float64, integers, bool or string',
    })
  const dims = dimsOf(found)
  if (dims === undefined || dims.length === 0)
    throw new ModelError('unsupported', 'it has no dimension of rows', { ...where, hint: DYNAMIC })
  const [rows, ...shape] = dims
  if (rows !== undefined && rows !== 1)
    throw new ModelError('unsupported', `it takes exactly ${rows} rows at a time`, {
      ...where,
      hint: DYNAMIC,
    })
  if (shape.includes(undefined))
    throw new ModelError('unsupported', 'its rows have no fixed shape', { ...where, hint: DYNAMIC })
  return { tensor: { name, element, shape: shape as number[] }, rows }
}

const elementOf = ({ element }: Message<'tensorType'>): OnnxElement | undefined =>
  ELEMENTS.get(element.at(-1) ?? 0)

/** Dimensions, undefined where they are free; undefined when the file does not tell how many there are. */
function dimsOf({ shape }: Message<'tensorType'>): (number | undefined)[] | undefined {
  const [first] = shape
  return first?.dims.map(({ value: [value] }) => (value === undefined || value < 1 ? undefined : value))
}

/** The output, or why it is left out. */
function outputOf(value: Message<'value'>, graph: Message<'graph'>): OnnxOutput | string {
  const {
    name: [name = ''],
    type,
  } = value
  const { tensor, sequence } = only(type, 'types of an output')
  const dictionaries = dictionariesOf(graph, name)
  if (sequence.length === 1 && dictionaries !== undefined)
    return { name, element: 'float32', shape: [dictionaries.keys.length], dictionaries }
  if (tensor.length !== 1) return `output '${name}' is no tensor`
  const element = elementOf(tensor[0]!)
  const [, ...shape] = dimsOf(tensor[0]!) ?? []
  if (element === undefined) return `output '${name}' has elements that are not served`
  if (dimsOf(tensor[0]!)?.length === 0) return `output '${name}' is one value for all rows`
  if (dimsOf(tensor[0]!) === undefined || shape.includes(undefined))
    return `output '${name}' has no known shape (run onnx.shape_inference.infer_shapes on the model, or fix it in the export)`
  return { name, element, shape: shape as number[] }
}
