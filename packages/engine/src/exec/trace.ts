import type { Program, Ref, ValueType } from '../ir/program.ts'
import { concat, input, select } from '../ops/columns.ts'
import { getOp } from '../ops/registry.ts'

/**
 * The model input column that a node's column is a form of: followed back through selections, concatenations and
 * operations that work column by column.
 * @returns index into `Program.inputs`, undefined when the column was computed from several
 */
export function traceColumn(
  program: Program,
  types: readonly ValueType[],
  ref: Ref,
  column: number,
): number | undefined {
  const { op, inputs, attrs } = program.nodes[ref]!
  if (op === input.name) return inputOfSlot(program, attrs as Parameters<typeof input.infer>[0], column)
  if (op === select.name) {
    const { columns } = attrs as Parameters<typeof select.infer>[0]
    return traceColumn(program, types, inputs[0]!, columns[column]!)
  }
  if (op === concat.name) {
    let offset = column
    for (const part of inputs) {
      const { width } = types[part]!
      if (offset < width) return traceColumn(program, types, part, offset)
      offset -= width
    }
  }
  const same = getOp(op).columnwise && inputs[0] !== undefined && column < types[inputs[0]]!.width
  return same ? traceColumn(program, types, inputs[0]!, column) : undefined
}

function inputOfSlot(
  program: Program,
  { kinds, slots }: { kinds: Uint8Array; slots: Int32Array },
  column: number,
): number | undefined {
  const kind = kinds[column] === 1 ? 'cell' : 'number'
  let slot = slots[column]!
  const index = program.inputs.findIndex((candidate) => candidate.kind === kind && slot-- === 0)
  return index < 0 ? undefined : index
}
