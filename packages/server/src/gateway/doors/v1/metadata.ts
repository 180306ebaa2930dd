import type { Served } from '../../served.ts'
import type { Datatype } from '../../tensors/datatype.ts'
import { describeModel } from '../v2/metadata.ts'

/** What KServe's clients read of a model, and what TensorFlow Serving's do. */
export const describeStatus = ({ routed: { name, version } }: Served) => ({
  name,
  ready: true,
  model_version_status: [
    {
      version: String(version.number),
      state: 'AVAILABLE',
      status: { error_code: 'OK', error_message: '' },
    },
  ],
})

const TENSORFLOW_TYPES: Readonly<Record<Datatype, string>> = {
  BOOL: 'DT_BOOL',
  INT8: 'DT_INT8',
  INT16: 'DT_INT16',
  INT32: 'DT_INT32',
  INT64: 'DT_INT64',
  UINT8: 'DT_UINT8',
  UINT16: 'DT_UINT16',
  UINT32: 'DT_UINT32',
  UINT64: 'DT_UINT64',
  FP16: 'DT_HALF',
  BF16: 'DT_BFLOAT16',
  FP32: 'DT_FLOAT',
  FP64: 'DT_DOUBLE',
  BYTES: 'DT_STRING',
}

/** TensorFlow Serving's metadata: one signature for each method, and the one that is used when none is named. */
export function describeSignatures(served: Served) {
  const { name, versions, inputs, outputs } = describeModel(served)
  const byName = (tensors: typeof inputs) =>
    Object.fromEntries(tensors.map((tensor) => [tensor.name, describeTensor(tensor)]))
  const signature = (method: string) => ({
    inputs: byName(inputs),
    outputs: byName(outputs.filter((output) => output.name === method)),
    method_name: 'tensorflow/serving/predict',
  })
  const signatures = Object.fromEntries(outputs.map((output) => [output.name, signature(output.name)]))
  return {
    model_spec: { name, signature_name: '', version: versions[0] },
    metadata: {
      signature_def: {
        signature_def: { serving_default: signature(served.labelMethod), ...signatures },
      },
    },
  }
}

const describeTensor = ({ name, datatype, shape }: ReturnType<typeof describeModel>['inputs'][number]) => ({
  name,
  dtype: TENSORFLOW_TYPES[datatype],
  tensor_shape: { dim: shape.map((size) => ({ size: String(size), name: '' })), unknown_rank: false },
})
