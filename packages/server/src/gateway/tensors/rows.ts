import type { FieldError } from '@millwright/contracts'
import { listed } from '@millwright/inference/convert'
import { invalidFields, type RowSource } from '../rows.ts'
import { faultAt, type Tensor } from './tensor.ts'

export type TensorRowsOptions = {
  /** Tensors that no column is named after are ignored, as pandas ignores columns that are not asked for. */
  readonly ignoreExtra?: boolean
  /** As many tensors as the model has columns, none of a column's name, are its columns in their order. */
  readonly byOrder?: boolean
  /** Where tensor `index` stands in the request, for errors. */
  readonly pointerOf?: (index: number) => string
}

/**
 * The rows of tensors. Either each column of the model has a tensor of its name and of one value a row, `[n]` or
 * `[n, 1]`; or one tensor of any name holds all columns in the model's order, `[n, columns]`.
 * @throws MillwrightError VALIDATION_FAILED naming the tensor, what was expected and what came
 */
export function rowsOfTensors(
  given: readonly Tensor[],
  names: readonly string[],
  { ignoreExtra = false, byOrder = false, pointerOf = (index) => `/inputs/${index}` }: TensorRowsOptions = {},
): RowSource {
  const tensors = byOrder ? namedByOrder(given, names) : given
  const [only] = tensors
  if (tensors.length === 1 && only !== undefined) {
    if (isMatrix(only, names.length)) return matrixRows(only, names, pointerOf(0))
    if (!names.includes(only.name)) throw invalidFields([wrongShape(only, pointerOf(0), names)])
  }
  const byName = new Map(tensors.map((tensor, index) => [tensor.name, { tensor, pointer: pointerOf(index) }]))
  const errors = [
    ...repeated(tensors, pointerOf),
    ...names.flatMap((name) => columnFaults(name, byName.get(name), tensors)),
    ...(ignoreExtra ? [] : extraFaults(byName, names)),
  ]
  if (errors.length > 0) throw invalidFields(errors)
  return columnRows(
    names.map((name) => byName.get(name)!),
    byName,
  )
}

const namedByOrder = (tensors: readonly Tensor[], names: readonly string[]): readonly Tensor[] =>
  tensors.length === names.length && tensors.every(({ name }) => !names.includes(name))
    ? tensors.map((tensor, index) => ({ ...tensor, name: names[index]! }))
    : tensors

/** A tensor and where it stands in the request. */
type Found = { readonly tensor: Tensor; readonly pointer: string }

function columnRows(columns: readonly Found[], byName: ReadonlyMap<string, Found>): RowSource {
  return {
    count: columns[0]!.tensor.shape[0]!,
    single: false,
    read: (reader, index, slab, at) =>
      reader.readCells((column) => columns[column]!.tensor.elements[index], slab, at),
    pointer: (index, field) => `${byName.get(field)?.pointer ?? '/inputs'}/data/${index}`,
  }
}

const repeated = (tensors: readonly Tensor[], pointerOf: (index: number) => string): FieldError[] =>
  tensors.flatMap((tensor, index) =>
    tensors.findIndex(({ name }) => name === tensor.name) === index
      ? []
      : [
          faultAt(
            { pointer: pointerOf(index), name: tensor.name },
            'repeated',
            'expected inputs of different names',
          ),
        ],
  )

const extraFaults = (byName: ReadonlyMap<string, Found>, names: readonly string[]): FieldError[] =>
  [...byName]
    .filter(([name]) => !names.includes(name))
    .map(([name, { pointer }]) =>
      faultAt({ pointer, name }, 'unknown_field', `the model has no such input; it reads ${listed(names)}`),
    )

const isMatrix = ({ shape }: Tensor, columns: number): boolean =>
  (shape.length === 2 && shape[1] === columns) || (shape.length === 1 && columns === 1)

function matrixRows({ shape, elements }: Tensor, names: readonly string[], pointer: string): RowSource {
  const width = names.length
  return {
    count: shape[0]!,
    single: false,
    read: (reader, index, slab, at) =>
      reader.readCells((column) => elements[index * width + column], slab, at),
    pointer: (index, field) => `${pointer}/data/${index * width + Math.max(0, names.indexOf(field))}`,
  }
}

const faultOf = ({ name }: Tensor, pointer: string, message: string): FieldError =>
  faultAt({ pointer, name }, 'wrong_shape', message)

const shapeOf = ({ shape }: Tensor): string => `[${shape.join(',')}]`

function wrongShape(tensor: Tensor, pointer: string, names: readonly string[]): FieldError {
  const expected =
    names.length === 1 ? '[-1] or [-1,1]' : `[-1,${names.length}], or one tensor for each of ${listed(names)}`
  return faultOf(tensor, pointer, `expected shape ${expected}, got ${shapeOf(tensor)}`)
}

function columnFaults(name: string, found: Found | undefined, tensors: readonly Tensor[]): FieldError[] {
  if (found === undefined)
    return [
      {
        pointer: '/inputs',
        code: 'missing',
        message: `${name}: expected an input of this name, got ${listed(tensors.map((tensor) => tensor.name)) || 'none'}`,
      },
    ]
  const { tensor, pointer } = found
  const [rows, width = 1] = tensor.shape
  if (tensor.shape.length > 2 || width !== 1)
    return [faultOf(tensor, pointer, `expected shape [-1] or [-1,1], got ${shapeOf(tensor)}`)]
  const count = tensors[0]!.shape[0]
  return rows === count
    ? []
    : [faultOf(tensor, pointer, `expected ${count} rows as ${tensors[0]!.name} has, got ${rows}`)]
}
