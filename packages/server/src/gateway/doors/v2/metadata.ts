import type { ModelSchema, SchemaColumn } from '@millwright/contracts'
import type { RoutedDeployment } from '../../../routing/snapshot.ts'
import { isUnnamed } from '../../row-forms/columns.ts'
import type { Served } from '../../served.ts'
import type { ServingTable } from '../../serving-table.ts'
import { type Datatype, datatypeOf } from '../../tensors/datatype.ts'
import { defaultOutputs } from '../../tensors/infer.ts'

type TensorMetadata = {
  readonly name: string
  readonly datatype: Datatype
  /** −1: any number. */
  readonly shape: readonly number[]
}
export type ModelMetadata = {
  readonly name: string
  readonly versions: readonly string[]
  readonly platform: string
  readonly inputs: readonly TensorMetadata[]
  readonly outputs: readonly TensorMetadata[]
  readonly properties: Readonly<Record<string, string>>
}

/** What the only input of a model without column names is called. */
const MATRIX = 'input-0'

const DATATYPE_OF: Readonly<Record<SchemaColumn['type'], Datatype>> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  string: 'BYTES',
  object: 'BYTES',
  list: 'BYTES',
  any: 'BYTES',
}

/** A tensor for each column, or one for all of them when the model was fitted without names. */
export function describeModel(served: Served): ModelMetadata {
  const { routed } = served
  const { schema } = routed.version
  return {
    name: routed.name,
    versions: [String(routed.version.number)],
    platform: served.engine.kind === 'hosted' ? 'onnx_onnxv1' : 'millwright_program',
    inputs: inputsOf(schema),
    outputs: defaultOutputs(served).map((method) => outputOf(schema, method)),
    properties: { version_label: routed.version.label, outputs_on_request: served.methods.join(',') },
  }
}

function inputsOf({ inputs }: ModelSchema): TensorMetadata[] {
  if (isUnnamed(inputs) && inputs.every(({ type }) => type === 'number'))
    return [{ name: MATRIX, datatype: 'FP64', shape: [-1, inputs.length] }]
  return inputs.map(({ name, type }) => ({ name, datatype: DATATYPE_OF[type], shape: [-1, 1] }))
}

function outputOf({ outputs, classes }: ModelSchema, method: string): TensorMetadata {
  const declared = outputs.find(({ name }) => name === method)
  const width =
    method === 'predict_proba' ? (classes[0]?.length ?? -1) : declared?.shape === 'vector' ? 1 : -1
  return { name: method, datatype: datatypeOf(declared?.dtype ?? ''), shape: [-1, width] }
}

/** Triton's model configuration, as far as a client can use it. */
export function describeConfig(served: Served) {
  const { name, platform, inputs, outputs } = describeModel(served)
  const tensor = ({ name, datatype, shape }: TensorMetadata) => ({
    name,
    data_type: datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`,
    dims: shape,
  })
  return {
    name,
    platform,
    backend: 'millwright',
    max_batch_size: 0,
    input: inputs.map(tensor),
    output: outputs.map(tensor),
  }
}

/** Triton's repository index. */
export const indexOf = ({ byName, unloaded }: ServingTable) => [
  ...[...byName.values()].map(({ routed }) => indexEntry(routed, { state: 'READY', reason: '' })),
  ...[...unloaded.values()].map((routed) => indexEntry(routed, { state: 'UNAVAILABLE', reason: 'unloaded' })),
]

const indexEntry = ({ name, version }: RoutedDeployment, state: { state: string; reason: string }) => ({
  name,
  version: String(version.number),
  ...state,
})
