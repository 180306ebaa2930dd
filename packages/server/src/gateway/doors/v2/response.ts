import { jsonCellOrNull, jsonString } from '../../../json-text.ts'
import type { Reply } from '../../replies.ts'
import type { Served } from '../../served.ts'
import type { AskedInference } from '../../tensors/asked.ts'
import { DATATYPES } from '../../tensors/datatype.ts'
import type { OutputTensor } from '../../tensors/infer.ts'
import { nameOutputs } from '../../tensors/named.ts'

/** Writes the answer to an inference request; binary outputs stand behind the JSON, in its order. */
export function writeInference(
  served: Served,
  { id, outputs }: AskedInference,
  tensors: readonly OutputTensor[],
): Reply {
  const tails: Uint8Array[] = []
  const written = nameOutputs(served, outputs, tensors).map(({ tensor, asked }) =>
    outputText(tensor, asked.binary ? tails : undefined),
  )
  const { routed } = served
  const head = `{"model_name":${jsonString(routed.name)},"model_version":"${routed.version.number}"`
  const text = `${head}${id === undefined ? '' : `,"id":${jsonString(id)}`},"outputs":[${written.join(',')}]}`
  if (tails.length === 0) return { body: text }
  const json = Buffer.from(text)
  return {
    body: Buffer.concat([json, ...tails]),
    type: 'application/octet-stream',
    headers: { 'inference-header-content-length': `${json.length}` },
  }
}

function outputText(tensor: OutputTensor, tails: Uint8Array[] | undefined): string {
  const { name, datatype, shape, elements } = tensor
  const head = `{"name":${jsonString(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`
  if (tails === undefined) return `${head},"data":[${Array.from(elements, jsonCellOrNull).join(',')}]}`
  const bytes = DATATYPES.get(datatype)!.encode(elements)
  tails.push(bytes)
  return `${head},"parameters":{"binary_data_size":${bytes.length}}}`
}
