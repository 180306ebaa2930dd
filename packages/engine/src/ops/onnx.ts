import { RowError } from '../errors.ts'
import type { Cell, ValueType } from '../ir/program.ts'
import { cells, defineOp, numbers } from './op.ts'
import { sizeOf } from './tensor-shape.ts'

/** What a tensor of each element takes; numbers are held in float64. */
const ELEMENTS: Readonly<Record<string, (cell: Cell, column: number) => Cell>> = {
  float32: (cell, column) => Math.fround(numberOf(cell, column)),
  float64: numberOf,
  int8: wholeNumber(-(2 ** 7), 2 ** 7 - 1),
  int16: wholeNumber(-(2 ** 15), 2 ** 15 - 1),
  int32: wholeNumber(-(2 ** 31), 2 ** 31 - 1),
  int64: wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  uint8: wholeNumber(0, 2 ** 8 - 1),
  uint16: wholeNumber(0, 2 ** 16 - 1),
  uint32: wholeNumber(0, 2 ** 32 - 1),
  uint64: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  bool: wholeNumber(0, 1),
  string(cell, column) {
    if (typeof cell !== 'string') throw new RowError('is not text', column)
    return cell
  },
}

function numberOf(cell: Cell, column: number): number {
  if (typeof cell === 'number') return cell
  if (typeof cell === 'boolean') return Number(cell)
  throw new RowError('is not a number', column)
}

function wholeNumber(low: number, high: number): (cell: Cell, column: number) => Cell {
  return (cell, column) => {
    const value = numberOf(cell, column)
    if (Number.isInteger(value) && value >= low && value <= high) return value
    throw new RowError(`is not a whole number from ${low} to ${high}`, column)
  }
}

/** Neighbouring columns of one element. */
export type ElementRun = { readonly element: string; readonly width: number }

/**
 * A row as tensors hold it: numbers of float32 rounded, whole numbers and texts checked. Runs are as in the model's inputs.
 * @throws RowError naming the first column whose value the tensor cannot hold
 */
export const tensorElements = defineOp<{ runs: readonly ElementRun[] }>({
  name: 'tensor-elements',
  columnwise: true,
  infer({ runs }, [x]): ValueType {
    if (x === undefined || x.kind === 'sparse')
      throw new RangeError('tensor-elements: expects numbers or cells')
    const width = runs.reduce((sum, run) => sum + expectCount(run.width), 0)
    if (width !== x.width) throw new RangeError(`tensor-elements: ${width} elements for ${x.width} columns`)
    for (const { element } of runs)
      if (!Object.hasOwn(ELEMENTS, element)) throw new RangeError(`tensor-elements: unknown element`)
    return x
  },
  ref({ runs }, [x]) {
    const rules = runs.flatMap(({ element, width }) => new Array(width).fill(ELEMENTS[element]!))
    return x!.map((cell, column) => rules[column](cell, column))
  },
})

export type OnnxTensorAttrs = {
  readonly name: string
  readonly element: string
  readonly shape: readonly number[]
}

export type OnnxAttrs = {
  /** The file. */
  readonly model: Uint8Array
  readonly inputs: readonly OnnxTensorAttrs[]
  readonly outputs: readonly OnnxTensorAttrs[]
  /** The model takes one row at a time. */
  readonly rowByRow: boolean
}

/**
 * An ONNX model: the columns of its inputs, each row of a tensor in C order, to the values of its outputs, in the same
 * way. Not computed here: a host runs it (`splitHosted`).
 */
export const onnx = defineOp<OnnxAttrs>({
  name: 'onnx',
  hosted: true,
  infer({ model, inputs, outputs, rowByRow }, [x]): ValueType {
    if (!(model instanceof Uint8Array) || typeof rowByRow !== 'boolean')
      throw new RangeError('onnx: attributes')
    const [read, answered] = [inputs, outputs].map((tensors) =>
      tensors.reduce((sum, one) => sum + tensorWidth(one), 0),
    )
    if (x === undefined || x.kind === 'sparse' || x.width !== read)
      throw new RangeError(`onnx: expects ${read} columns`)
    return outputs.some(({ element }) => element === 'string') ? cells(answered!) : numbers(answered!)
  },
  ref() {
    throw new RangeError('onnx: run by a host')
  },
})

function tensorWidth(tensor: OnnxTensorAttrs): number {
  const { name, element, shape } = tensor
  if (typeof name !== 'string' || !Object.hasOwn(ELEMENTS, element))
    throw new RangeError('onnx: unknown element')
  for (const dimension of shape) expectCount(dimension)
  return expectCount(sizeOf(tensor))
}

function expectCount(count: number): number {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError('onnx: not a number of values')
  return count
}
