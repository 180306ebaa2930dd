import { input } from '../ops/columns.ts'
import type { InputColumn, Program, ProgramNode } from './program.ts'

type InputAttrs = { readonly kinds: Uint8Array; readonly slots: Int32Array }

const KINDS = ['number', 'cell'] as const

/** Columns of each kind, by slot. */
const columnsByKind = (inputs: readonly InputColumn[]): readonly (readonly number[])[] =>
  KINDS.map((kind) => inputs.flatMap((column, i) => (column.kind === kind ? [i] : [])))

/** The same program, whose number columns that nothing reads are cells: they may hold anything. */
export function freeUnreadColumns(program: Program): Program {
  const before = columnsByKind(program.inputs)
  const columnsOf = ({ attrs }: ProgramNode): number[] => {
    const { kinds, slots } = attrs as InputAttrs
    return Array.from(slots, (slot, i) => before[kinds[i]!]![slot]!)
  }
  const read = new Set(program.nodes.filter(({ op }) => op === input.name).flatMap(columnsOf))
  const inputs = program.inputs.map((column, i) =>
    read.has(i) ? column : { ...column, kind: 'cell' as const },
  )
  const slotOf = new Map(
    columnsByKind(inputs).flatMap((columns) => columns.map((column, slot) => [column, slot])),
  )
  const nodes = program.nodes.map((node) =>
    node.op === input.name
      ? {
          ...node,
          attrs: { ...node.attrs, slots: Int32Array.from(columnsOf(node), (column) => slotOf.get(column)!) },
        }
      : node,
  )
  return { ...program, inputs, nodes }
}
