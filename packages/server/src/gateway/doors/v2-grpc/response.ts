import type { Encodable } from '../../protobuf/message.ts'
import type { Served } from '../../served.ts'
import type { AskedInference } from '../../tensors/asked.ts'
import { DATATYPES } from '../../tensors/datatype.ts'
import type { OutputTensor } from '../../tensors/infer.ts'
import { nameOutputs } from '../../tensors/named.ts'
import { CONTENTS_OF } from './contents.ts'
import type { ModelInferResponse } from './messages.ts'

export type InferResponse = Encodable<(typeof ModelInferResponse)['fields']>

/** Writes the answer to an inference request: raw bytes to raw bytes, typed contents to typed contents. */
export function writeInference(
  served: Served,
  { id, outputs }: AskedInference,
  tensors: readonly OutputTensor[],
  isRaw: boolean,
): InferResponse {
  const named = nameOutputs(served, outputs, tensors)
  const { routed } = served
  return {
    model_name: routed.name,
    model_version: String(routed.version.number),
    id,
    outputs: named.map(({ tensor: { name, datatype, shape, elements } }) => ({
      ...{ name, datatype, shape },
      ...(isRaw ? {} : { contents: { [CONTENTS_OF[datatype]!]: elements } }),
    })),
    raw_output_contents: isRaw
      ? named.map(({ tensor: { datatype, elements } }) => DATATYPES.get(datatype)!.encode(elements))
      : [],
  }
}
