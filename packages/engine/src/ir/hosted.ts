import { input } from '../ops/columns.ts'
import type { OnnxAttrs } from '../ops/onnx.ts'
import { getOp } from '../ops/registry.ts'
import { keepLiveNodes } from '../passes/live-nodes.ts'
import type { Program, Ref } from './program.ts'
import { validateProgram } from './validate.ts'

/** A program around the one node of it that a host runs. */
export type HostedProgram = {
  /** What goes into the node: one matrix, called `transform`. */
  readonly before: Program
  readonly model: OnnxAttrs
  /** The outputs, from what the node answers. */
  readonly after: Program
}

/** @throws RangeError for a name that is not an operation */
const isHostedOp = (name: string): boolean => getOp(name).hosted === true

/** A part of it is not computed by the engine: it cannot be compiled, a host has to run it. */
export const isHosted = (program: Program): boolean => program.nodes.some(({ op }) => isHostedOp(op))

/** @throws RangeError when the program is not valid, or reads its columns beside the hosted node */
export function splitHosted(program: Program): HostedProgram {
  const types = validateProgram(program)
  const ref = program.nodes.findIndex(({ op }) => isHostedOp(op))
  const node = program.nodes[ref]
  const from = node?.inputs[0]
  if (node === undefined || from === undefined) throw new RangeError('splitHosted: no node for a host')
  const { kind, width } = types[ref]!
  const columns = Array.from({ length: width }, (_, i) => ({
    name: `${i}`,
    kind: kind === 'cell' ? ('cell' as const) : ('number' as const),
  }))
  const answered = {
    op: input.name,
    inputs: [],
    attrs: {
      kinds: new Uint8Array(width).fill(kind === 'cell' ? 1 : 0),
      slots: Int32Array.from(columns, (_, i) => i),
    },
  }
  const nodes = program.nodes.map((other, i) => (i === ref ? answered : other))
  const after = keepLiveNodes(nodes, program.outputs)
  if (after.nodes.some(({ op }) => isHostedOp(op)) || columnsRead(after) > 1)
    throw new RangeError('splitHosted: more than one node for a host, or columns beside it')
  return {
    before: { ...program, classes: [], ...keepLiveNodes(program.nodes, [matrixOf(from)]) },
    model: node.attrs as OnnxAttrs,
    after: { ...program, inputs: columns, ...after },
  }
}

const matrixOf = (ref: Ref) =>
  ({ name: 'transform', parts: [ref], shape: 'matrix', dtype: 'float64' }) as const

const columnsRead = ({ nodes }: Pick<Program, 'nodes'>): number =>
  nodes.filter(({ op }) => op === input.name).length
