import { RowError } from '../errors.ts'
import type { Answer, Cell, Executable, Frame, Method, Program, ProgramOutput, Ref } from '../ir/program.ts'
import { input } from '../ops/columns.ts'
import type { Row } from '../ops/op.ts'
import { getOp } from '../ops/registry.ts'

/**
 * The reference interpreter: every row through every node by the operations' `ref` rules. Slow and obvious; compiled
 * programs are held to it bit by bit.
 */
export function interpret(program: Program): Executable {
  return {
    program,
    run(frame, outputs) {
      const wanted = program.outputs.filter((output) => outputs.includes(output.name))
      const rows = Array.from({ length: frame.rows }, (_, row) => evaluateRow(program, frame, row, wanted))
      return wanted.map((output) => collect(output, rows))
    },
  }
}

function evaluateRow(program: Program, frame: Frame, row: number, outputs: readonly ProgramOutput[]): Row[] {
  const values: (Row | undefined)[] = []
  const value = (ref: Ref): Row => {
    values[ref] ??= evaluate(ref)
    return values[ref]
  }
  const evaluate = (ref: Ref): Row => {
    const node = program.nodes[ref]!
    if (node.op === input.name)
      return readInput(program, frame, row, node.attrs as Parameters<typeof input.infer>[0])
    return getOp(node.op).ref(node.attrs, node.inputs.map(value))
  }
  try {
    for (const output of outputs) for (const part of output.parts) value(part)
  } catch (error) {
    if (error instanceof RowError) error.row = row
    throw error
  }
  return values as Row[]
}

function readInput(
  program: Program,
  frame: Frame,
  row: number,
  attrs: { kinds: Uint8Array; slots: Int32Array },
): Row {
  const cellWidth = program.inputs.filter((column) => column.kind === 'cell').length
  const numberWidth = program.inputs.length - cellWidth
  return Array.from(attrs.slots, (slot, i) =>
    attrs.kinds[i] === 1 ? frame.cells[row * cellWidth + slot]! : frame.numbers[row * numberWidth + slot]!,
  )
}

function collect(output: ProgramOutput, rows: readonly Row[][]): Answer {
  const parts = output.parts.map((ref, part) => {
    const width = rows[0]?.[ref]?.length ?? 0
    const values = rows.flatMap((row) => row[ref] as readonly Cell[])
    const labelled = output.labels?.length
      ? values.map((index, i) => output.labels![width === 1 ? part : i % width]![index as number]!)
      : values
    const shape = output.shape === 'vector' ? [rows.length] : [rows.length, width]
    const numeric = labelled.every((cell) => typeof cell === 'number')
    return { shape, data: numeric ? Float64Array.from(labelled as number[]) : labelled }
  })
  return { name: output.name, dtype: output.dtype, parts, list: output.shape === 'list' }
}

/** Every output a program has. */
export const allOutputs = (program: Program): Method[] => program.outputs.map((output) => output.name)
