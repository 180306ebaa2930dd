import { RowError } from '../errors.ts'
import { slabWidths } from '../ir/frames.ts'
import type {
  Cell,
  Executable,
  Frame,
  Method,
  Program,
  ProgramOutput,
  Ref,
  ValueType,
} from '../ir/program.ts'
import { validateProgram } from '../ir/validate.ts'
import { input } from '../ops/columns.ts'
import type { Row } from '../ops/op.ts'
import { getOp } from '../ops/registry.ts'
import { buildAnswer } from './answers.ts'
import { traceColumn } from './trace.ts'

/**
 * The reference interpreter: every row through every node by the operations' `ref` rules. Slow and obvious; compiled
 * programs are held to it bit by bit.
 * @throws RangeError when the program is not valid
 */
export function interpret(program: Program): Executable {
  const types = validateProgram(program)
  return {
    program,
    run(frame, outputs) {
      const wanted = program.outputs.filter((output) => outputs.includes(output.name))
      const rows = Array.from({ length: frame.rows }, (_, row) =>
        evaluateRow({ program, types, frame, row }, wanted),
      )
      return wanted.map((output) => {
        const values = output.parts.map((ref) => {
          const cells = rows.flatMap((row) => row[ref]!)
          return types[ref]!.kind === 'number' ? Float64Array.from(cells as number[]) : cells
        })
        return buildAnswer(output, types, values, frame.rows)
      })
    },
  }
}

type RowContext = {
  readonly program: Program
  readonly types: readonly ValueType[]
  readonly frame: Frame
  readonly row: number
}

/**
 * One row's values of the nodes that the outputs need, by node.
 * @throws RowError with `row` set, and `field` where the column to blame is a form of one input column
 */
export function evaluateRow(context: RowContext, outputs: readonly ProgramOutput[]): readonly Row[] {
  const { program } = context
  const values: Row[] = []
  const value = (ref: Ref): Row => {
    values[ref] ??= evaluate(ref)
    return values[ref]
  }
  const evaluate = (ref: Ref): Row => {
    const { op, inputs, attrs } = program.nodes[ref]!
    if (op === input.name) return readInput(context, attrs as Parameters<typeof input.infer>[0])
    const rows = inputs.map(value)
    try {
      return getOp(op).ref(attrs, rows)
    } catch (error) {
      if (error instanceof RowError) blame(error, context, inputs[0])
      throw error
    }
  }
  for (const output of outputs) for (const part of output.parts) value(part)
  return values
}

function blame(error: RowError, { program, types, row }: RowContext, from: Ref | undefined): void {
  error.row = row
  if (error.column === undefined || from === undefined) return
  const column = traceColumn(program, types, from, error.column)
  if (column !== undefined) error.field = program.inputs[column]!.name
}

function readInput(
  { program, frame, row }: RowContext,
  { kinds, slots }: { kinds: Uint8Array; slots: Int32Array },
): Row {
  const { number, cell } = slabWidths(program.inputs)
  return Array.from(
    slots,
    (slot, i): Cell =>
      kinds[i] === 1 ? frame.cells[row * cell + slot]! : frame.numbers[row * number + slot]!,
  )
}

/** Every output a program has. */
export const allOutputs = (program: Program): Method[] => program.outputs.map((output) => output.name)
