import { pointerTo } from '@millwright/inference/validate'
import type { Encodable } from '../../protobuf/message.ts'
import type { Elements } from '../../tensors/datatype.ts'
import type { OutputTensor } from '../../tensors/infer.ts'
import { decodeBytes, parseElements, refusal, type Tensor } from '../../tensors/tensor.ts'
import { DataType, type TensorProto } from './messages.ts'

type Proto = ReturnType<typeof TensorProto.decode>
type Values = Exclude<keyof Proto, 'dtype' | 'tensor_shape' | 'tensor_content'>

/** TensorFlow's types: the V2 protocol's name, and the field of values that are not bytes. */
const TYPES: Readonly<Record<string, readonly [datatype: string, field: Values]>> = {
  DT_FLOAT: ['FP32', 'float_val'],
  DT_DOUBLE: ['FP64', 'double_val'],
  DT_HALF: ['FP16', 'half_val'],
  DT_BFLOAT16: ['BF16', 'half_val'],
  DT_INT8: ['INT8', 'int_val'],
  DT_INT16: ['INT16', 'int_val'],
  DT_INT32: ['INT32', 'int_val'],
  DT_INT64: ['INT64', 'int64_val'],
  DT_UINT8: ['UINT8', 'int_val'],
  DT_UINT16: ['UINT16', 'int_val'],
  DT_UINT32: ['UINT32', 'uint32_val'],
  DT_UINT64: ['UINT64', 'uint64_val'],
  DT_BOOL: ['BOOL', 'bool_val'],
  DT_STRING: ['BYTES', 'string_val'],
}
const BY_NUMBER = new Map(Object.entries(TYPES).map(([name, type]) => [DataType.values[name], type]))
const BY_DATATYPE = new Map(
  Object.entries(TYPES).map(([name, [datatype, field]]) => [
    datatype,
    { dtype: DataType.values[name]!, field },
  ]),
)

export const dtypeOf = (datatype: string): number => BY_DATATYPE.get(datatype)!.dtype

/** @throws MillwrightError VALIDATION_FAILED */
export function parseTensor(name: string, proto: Proto): Tensor {
  const place = { pointer: pointerTo('inputs', name), name: name.slice(0, 128) }
  const type = BY_NUMBER.get(proto.dtype)
  if (type === undefined)
    throw refusal(
      place,
      'unknown_datatype',
      `expected a dtype of ${Object.keys(TYPES).join(', ')}, got the number ${proto.dtype}`,
    )
  const [datatype, field] = type
  // No shape is the shape of a scalar: one value.
  const dims = proto.tensor_shape?.dim.map(({ size }) => size) ?? []
  const shape = dims.length === 0 ? [1] : dims
  const { tensor_content: content } = proto
  if (content.length > 0)
    return { name, datatype, shape, elements: decodeBytes({ datatype, shape }, content as Buffer, place) }
  const values = spread(proto[field], shape)
  const elements: Elements =
    field === 'half_val'
      ? decodeBytes({ datatype, shape }, Buffer.from(Uint16Array.from(values as number[]).buffer), place)
      : parseElements({ datatype, shape, data: values }, place)
  return { name, datatype, shape, elements }
}

/** Equal values at the end may be left out: the last one stands for them. Checked before anything grows to its shape. */
function spread(values: readonly unknown[], shape: readonly number[]): readonly unknown[] {
  const count = shape.reduce((product, size) => product * size, 1)
  const isShort = values.length > 0 && values.length < count && count <= MOST_SPREAD
  return isShort ? [...values, ...Array(count - values.length).fill(values.at(-1))] : values
}
const MOST_SPREAD = 1 << 20

/** One column is a vector, as TensorFlow models answer it. */
export function writeTensor({
  datatype,
  shape,
  elements,
}: OutputTensor): Encodable<(typeof TensorProto)['fields']> {
  const { dtype, field } = BY_DATATYPE.get(datatype)!
  return { dtype, tensor_shape: shapeOf(shape[1] === 1 ? shape.slice(0, 1) : shape), [field]: elements }
}

export const shapeOf = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) })
