import type { Attrs, Program, ProgramNode, Ref } from '../ir/program.ts'
import { linear } from '../ops/matmul.ts'
import {
  sparseBinarize,
  sparseCheck,
  sparseLinear,
  sparseNormalize,
  sparseScale,
  sublinear,
} from '../ops/sparse.ts'
import { countTokens } from '../ops/tokens.ts'

/** Columns of a linear model, and those whose weights are all zero. */
export type ZeroWeights = {
  readonly columns: number
  readonly zeros: number
  /** Why the columns stay; undefined: they can go without a bit of an answer changing. */
  readonly stays?: string | undefined
}

type LinearAttrs = { readonly weights: Float64Array; readonly bias: Float64Array }
type CountAttrs = Parameters<typeof countTokens.infer>[0]
type ScaleAttrs = Parameters<typeof sparseScale.infer>[0]

/** Operations on single values, through which a column stays a column. */
const VALUEWISE: ReadonlySet<string> = new Set(
  [sparseCheck, sparseScale, sublinear, sparseBinarize].map((op: { readonly name: string }) => op.name),
)

/** Linear nodes of a program by what can be said about their zeros. */
export function findZeroWeights(program: Program): ZeroWeights[] {
  return program.nodes.flatMap(({ op, attrs }, ref) => {
    if (op !== linear.name && op !== sparseLinear.name) return []
    const zeros = zeroColumns(attrs as LinearAttrs)
    const columns = widthOf(attrs as LinearAttrs)
    const way = wayFromTokens(program, ref)
    return [{ columns, zeros: zeros.length, stays: typeof way === 'string' ? way : undefined }]
  })
}

/**
 * Terms of a vocabulary whose weights are all zero go, with their frequencies and weights. Zeros times finite numbers add
 * nothing to a sum that goes from left to right, so no bit of an answer changes.
 */
export function dropZeroWeights(program: Program): Program {
  const nodes = [...program.nodes]
  program.nodes.forEach(({ op, attrs }, ref) => {
    if (op !== sparseLinear.name) return
    const way = wayFromTokens(program, ref)
    if (typeof way === 'string') return
    const dropped = new Set(zeroColumns(attrs as LinearAttrs))
    const width = widthOf(attrs as LinearAttrs)
    const kept = Array.from({ length: width }, (_, column) => column).filter((column) => !dropped.has(column))
    // A row of no columns is no row.
    const columns = kept.length === 0 ? [0] : kept
    if (columns.length === width) return
    for (const node of [...way, ref])
      nodes[node] = { ...nodes[node]!, attrs: keepColumns(nodes[node]!, columns, width) }
  })
  return { ...program, nodes }
}

const widthOf = ({ weights, bias }: LinearAttrs): number => weights.length / bias.length

function zeroColumns(attrs: LinearAttrs): number[] {
  const width = widthOf(attrs)
  const columns = Array.from({ length: width }, (_, column) => column)
  return columns.filter((column) => attrs.bias.every((_, j) => attrs.weights[j * width + column] === 0))
}

/** The nodes from a vocabulary to what a linear node reads, which nothing else reads; else why the way is another one. */
function wayFromTokens({ nodes, outputs }: Program, ref: Ref): Ref[] | string {
  const isRead = (at: Ref): boolean =>
    nodes.filter(({ inputs }) => inputs.includes(at)).length > 1 ||
    outputs.some(({ parts }) => parts.includes(at))
  const way: Ref[] = []
  for (let at = nodes[ref]!.inputs[0]!; ; at = nodes[at]!.inputs[0]!) {
    const { op, attrs } = nodes[at]!
    if (isRead(at)) return 'another part of the model reads them'
    way.push(at)
    if (op === countTokens.name) return way
    if (op === sparseNormalize.name) return 'rows are divided by their norm, which every column is part of'
    if (op === sparseScale.name && !(attrs as ScaleAttrs).values.every(Number.isFinite))
      return 'a column is scaled by what is no number'
    if (!VALUEWISE.has(op)) return 'columns that are not counted words are sent and checked all the same'
  }
}

function keepColumns({ op, attrs }: ProgramNode, columns: readonly number[], width: number): Attrs {
  if (op === countTokens.name) {
    const { vocabulary } = attrs as CountAttrs
    return { ...attrs, vocabulary: columns.map((column) => vocabulary[column]!) }
  }
  const pick = (values: Float64Array, from = 0): Float64Array =>
    Float64Array.from(columns, (column) => values[from + column]!)
  if (op === sparseScale.name) return { ...attrs, values: pick((attrs as ScaleAttrs).values) }
  if (op !== sparseLinear.name) return attrs
  const { weights, bias } = attrs as LinearAttrs
  const rows = Array.from(bias, (_, j) => pick(weights, j * width))
  return { ...attrs, width: columns.length, weights: Float64Array.from(rows.flatMap((row) => [...row])) }
}
