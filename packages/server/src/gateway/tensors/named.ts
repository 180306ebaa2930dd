import type { Served } from '../served.ts'
import type { AskedOutput } from './asked.ts'
import type { OutputTensor } from './infer.ts'

/** A tensor of the answer, under the name that was asked for. */
type NamedOutput = { readonly tensor: OutputTensor; readonly asked: AskedOutput }

/** The answers to what was asked, in its order; several tensors of one method have a number each. */
export const nameOutputs = (
  served: Served,
  outputs: readonly AskedOutput[],
  tensors: readonly OutputTensor[],
): NamedOutput[] =>
  outputs.flatMap((asked) =>
    tensors
      .filter(({ name }) => name === asked.method || name.startsWith(`${asked.method}-`))
      .map((tensor) => ({
        tensor: { ...classified(served, asked, tensor), name: nameFor(asked, tensor) },
        asked,
      })),
  )

/** The name that was asked for; of several tensors of one method, each its own. */
const nameFor = ({ name, method }: AskedOutput, tensor: OutputTensor): string =>
  tensor.name === method ? name : `${name}${tensor.name.slice(method.length)}`

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
