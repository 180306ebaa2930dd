import { compileProgram } from '../exec/compiled.ts'
import { slabWidths } from '../ir/frames.ts'
import type {
  Answer,
  Frame,
  InputColumn,
  Method,
  Program,
  ProgramNode,
  ProgramOutput,
} from '../ir/program.ts'
import { concat, input } from '../ops/columns.ts'
import { toFloat32 } from '../ops/links.ts'
import { iterationsLeft } from './cut.ts'
import { type Cut, divideBy, type Forest } from './forests.ts'
import { keepLiveNodes, nodesBehind } from './live-nodes.ts'
import { type ForestRows, sumsOfCuts } from './partial-sums.ts'

/**
 * What a program would answer to the rows with its forests cut, one answer per cut. Everything before the forests runs
 * once, every tree is walked once per row; what comes after them runs once per cut.
 * @param forests those behind the method, none of which reads another
 * @throws RowError for rows that the program raises on
 */
export function* partialAnswers(
  program: Program,
  frame: Frame,
  { method, forests, cuts }: { method: Method; forests: readonly Forest[]; cuts: readonly Cut[] },
): Generator<Answer> {
  const rows = forestRows(program, frame, forests)
  const sums = forests.map((forest, i) => sumsOfCuts(forest, rows[i]!, cuts))
  for (const [i, cut] of cuts.entries()) {
    const tail = tailOf(program, { method, forests, cut })
    const slabs = sums.map((ofCut, k) => ({ values: ofCut[i]!, width: forests[k]!.attrs.init.length }))
    const [answer] = compileProgram(tail.program).run(tailFrame(frame, tail, slabs), [method])
    yield answer!
  }
}

/** Runs what comes before the forests. */
function forestRows(program: Program, frame: Frame, forests: readonly Forest[]): ForestRows[] {
  const parts = forests.flatMap(({ ref }) => program.nodes[ref]!.inputs)
  const outputs: ProgramOutput[] = [{ name: 'transform', parts, shape: 'list', dtype: 'float64' }]
  const head = compileProgram({ ...program, ...keepLiveNodes(program.nodes, outputs), classes: [] })
  const values = head.run(frame, ['transform'])[0]!.parts.map(({ data }) => data as Float64Array)
  return forests.map(({ ref }) => {
    const [features, start] = values.splice(0, program.nodes[ref]!.inputs.length)
    return { rows: frame.rows, features: features!, start }
  })
}

type Tail = {
  readonly program: Program
  /** Number columns of the model itself that are read after the forests too; the sums come after them. */
  readonly ownNumbers: number
}

type Cutting = { readonly method: Method; readonly forests: readonly Forest[]; readonly cut: Cut }

/** The program with the sums of its forests as inputs, after its own if those are still read. */
function tailOf(program: Program, { method, forests, cut }: Cutting): Tail {
  const shift = forests.length
  const moved = program.nodes.map((node) => ({ ...node, inputs: node.inputs.map((ref) => ref + shift) }))
  for (const [i, { ref, attrs, means }] of forests.entries()) {
    moved[ref] = { op: attrs.sum === 'f32' ? toFloat32.name : concat.name, inputs: [i], attrs: {} }
    for (const mean of means)
      moved[mean] = {
        ...moved[mean]!,
        attrs: divideBy(moved[mean]!.attrs as never, iterationsLeft(forests[i]!, cut)),
      }
  }
  const outputs = program.outputs
    .filter(({ name }) => name === method)
    .map((output) => ({ ...output, parts: output.parts.map((ref) => ref + shift) }))
  const sums = (from: number): ProgramNode[] => {
    let slot = from
    return forests.map(({ attrs }) => {
      const slots = Int32Array.from(attrs.init, () => slot++)
      return { op: input.name, inputs: [], attrs: { kinds: new Uint8Array(slots.length), slots } }
    })
  }
  const live = nodesBehind(
    [...sums(0), ...moved],
    outputs.flatMap(({ parts }) => parts),
  )
  const own = moved.some(({ op }, ref) => op === input.name && live.has(ref + shift)) ? program.inputs : []
  const ownNumbers = slabWidths(own).number
  const inputs = [...own, ...forests.flatMap(sumColumns)]
  return {
    program: { ...program, inputs, ...keepLiveNodes([...sums(ownNumbers), ...moved], outputs) },
    ownNumbers,
  }
}

const sumColumns = ({ ref, attrs }: Forest): InputColumn[] =>
  Array.from(attrs.init, (_, i) => ({ name: `sum ${i} of node ${ref}`, kind: 'number' as const }))

type Slab = { readonly values: Float64Array; readonly width: number }

/** The rows of the model, where the tail reads them, with the sums beside. */
function tailFrame(frame: Frame, { program, ownNumbers }: Tail, slabs: readonly Slab[]): Frame {
  const { number, cell } = slabWidths(program.inputs)
  const numbers = new Float64Array(frame.rows * number)
  const own = { values: frame.numbers, width: ownNumbers }
  let column = 0
  for (const { values, width } of [own, ...slabs]) {
    for (let row = 0; row < frame.rows; row++)
      for (let i = 0; i < width; i++) numbers[row * number + column + i] = values[row * width + i]!
    column += width
  }
  return { rows: frame.rows, numbers, cells: cell === 0 ? [] : frame.cells }
}
