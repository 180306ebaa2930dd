import { jsonCellOrNull, jsonString } from '../../../json-text.ts'
import type { Reply } from '../../replies.ts'
import type { Served } from '../../served.ts'
import { DATATYPES } from '../../tensors/datatype.ts'
import type { OutputTensor } from '../../tensors/infer.ts'
import type { AskedInference, AskedOutput } from './request.ts'

/** Writes the answer to an inference request; binary outputs stand behind the JSON, in its order. */
export function writeInference(
  served: Served,
  { id, outputs }: AskedInference,
  tensors: readonly OutputTensor[],
): Reply {
  const tails: Uint8Array[] = []
  const written = outputs.flatMap((asked) =>
    tensors
      .filter(({ name }) => name === asked.method || name.startsWith(`${asked.method}-`))
      .map((tensor) =>
        outputText(
          nameFor(asked, tensor),
          classified(served, asked, tensor),
          asked.binary ? tails : undefined,
        ),
      ),
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

/** The name that was asked for; of several tensors of one method, each its own. */
const nameFor = ({ name, method }: AskedOutput, tensor: OutputTensor): string =>
  tensor.name === method ? name : `${name}${tensor.name.slice(method.length)}`

function outputText(name: string, tensor: OutputTensor, tails: Uint8Array[] | undefined): string {
  const { datatype, shape, elements } = tensor
  const head = `{"name":${jsonString(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`
  if (tails === undefined) return `${head},"data":[${Array.from(elements, jsonCellOrNull).join(',')}]}`
  const bytes = DATATYPES.get(datatype)!.encode(elements)
  tails.push(bytes)
  return `${head},"parameters":{"binary_data_size":${bytes.length}}}`
}

/** Triton's classification extension: the best classes of a row as `score:index:label`, best first. */
function classified(served: Served, { classes }: AskedOutput, tensor: OutputTensor): OutputTensor {
  if (classes === undefined) return tensor
  const [rows = 0, width = 1] = tensor.shape
  const labels = served.routed.version.schema.classes[0]
  const shown = Math.min(classes, width)
  const elements = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: width }, (_, column) => ({
      column,
      score: Number(tensor.elements[row * width + column]),
    }))
      .sort((a, b) => b.score - a.score || a.column - b.column)
      .slice(0, shown)
      .map(({ column, score }) => {
        const label = labels?.length === width ? `:${labels[column]}` : ''
        return `${score.toFixed(6)}:${column}${label}`
      }),
  ).flat()
  return { ...tensor, datatype: 'BYTES', shape: [rows, shown], elements }
}
