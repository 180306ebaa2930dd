import type { Answer, AnswerPart, Cell, ProgramOutput, ValueType } from '../ir/program.ts'

/** Values of one node over all rows, row-major. */
export type NodeValues = Float64Array | readonly Cell[]

/** An output's answer from its parts' values, which it keeps: class indices become labels. */
export function buildAnswer(
  output: ProgramOutput,
  types: readonly ValueType[],
  values: readonly NodeValues[],
  rows: number,
): Answer {
  const parts = output.parts.map((ref, part): AnswerPart => {
    const { width } = types[ref]!
    const shape = output.shape === 'vector' ? [rows] : [rows, width]
    const lists = width === 1 ? output.labels?.slice(part, part + 1) : output.labels
    return { shape, data: lists === undefined ? values[part]! : labelled(lists, values[part]!) }
  })
  return { name: output.name, dtype: output.dtype, parts, list: output.shape === 'list' }
}

/** labels[column][index] of every class index; numbers when all labels are. */
function labelled(lists: readonly (readonly Cell[])[], indices: NodeValues): NodeValues {
  const columns = lists.length
  const numeric = lists.every((labels) => labels.every((label) => typeof label === 'number'))
  const result: Float64Array | Cell[] = numeric
    ? new Float64Array(indices.length)
    : new Array<Cell>(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const label = lists[i % columns]![indices[i] as number]
    if (label === undefined) throw new RangeError('labels: class index out of range')
    result[i] = label
  }
  return result
}
