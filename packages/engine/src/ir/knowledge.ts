import { categoryCode } from '../ops/categories.ts'
import { check } from '../ops/checks.ts'
import { castToNumbers, concat, input, select } from '../ops/columns.ts'
import { categoryIndex } from '../ops/encoding.ts'
import { checkCells, impute, missing } from '../ops/imputing.ts'
import { type ElementRun, tensorElements } from '../ops/onnx.ts'
import type { Cell, Program, ProgramNode, ValueType } from './program.ts'

/** What a program shows of one input column. */
export type Knowledge = {
  /** Categories an encoder knows in it, None as null, NaN last. */
  readonly categories?: readonly Cell[]
  /** What an imputer looks for in it. */
  readonly marker?: 'NaN' | 'None'
  /** What it is read as, where that is not one plain value. */
  readonly form?: 'string' | 'object' | 'list' | 'integer' | 'boolean'
  /** What an imputer fills it with: a value the model takes. */
  readonly fill?: Cell
}

/** Operations after which a value still is the column's own. */
const PASSING: ReadonlySet<string> = new Set(
  [check, checkCells, impute, castToNumbers].map((op: { readonly name: string }) => op.name),
)

const TEXT: Knowledge = { form: 'string', fill: '' }
const OBJECT: Knowledge = { form: 'object', fill: '{}' }
const LIST: Knowledge = { form: 'list', fill: '[]' }

/**
 * What operations that read text, objects and lists tell about their column. They go by their names here, so that who
 * has none of them need not load how text is read.
 */
export function formOf({ op, attrs }: ProgramNode): Knowledge | undefined {
  if (op === 'count-tokens' || op === 'hash-tokens') return TEXT
  if (op === 'record-features' || (op === 'hashed-features' && attrs.form === 'dict')) return OBJECT
  return op === 'hashed-features' || op === 'label-set' ? LIST : undefined
}

/** What the elements of a tensor tell about their column. */
function ofElement(element: string): Knowledge {
  if (element === 'string') return TEXT
  if (element === 'bool') return { form: 'boolean' }
  return element.startsWith('float') ? {} : { form: 'integer' }
}

const MARKERS = { nan: 'NaN', none: 'None', value: undefined } as const

/** What the encoders and imputers of a program tell about its columns. Of several about one column the first counts. */
export function knowledgeOf(program: Program, types: readonly ValueType[]): Knowledge[] {
  const known: Knowledge[] = program.inputs.map(() => ({}))
  program.nodes.forEach((node) => {
    const [from] = node.inputs
    if (from === undefined) return
    const learn = lessonOf(node)
    if (learn === undefined) return
    for (let column = 0; column < types[from]!.width; column++) {
      const origin = originOf(program, types, from, column)
      if (origin !== undefined) known[origin] = { ...learn(column), ...known[origin] }
    }
  })
  return known
}

function lessonOf(node: ProgramNode): ((column: number) => Knowledge) | undefined {
  const { op, attrs } = node
  const form = formOf(node)
  if (form !== undefined) return () => form
  if (op === categoryIndex.name) {
    const { categories, nan } = attrs as Parameters<typeof categoryIndex.infer>[0]
    return (column) => ({
      categories: [...categories[column]!, ...(nan[column]! < 0 ? [] : [Number.NaN])],
    })
  }
  if (op === categoryCode.name) {
    const { categories } = attrs as Parameters<typeof categoryCode.infer>[0]
    return (column) => ({ categories: categories[column]! })
  }
  if (op === tensorElements.name) {
    const { runs } = attrs as { readonly runs: readonly ElementRun[] }
    const lessons = runs.flatMap(({ element, width }) => new Array<Knowledge>(width).fill(ofElement(element)))
    return (column) => lessons[column]!
  }
  if (op !== impute.name && op !== missing.name) return undefined
  const { marker, fill } = attrs as Parameters<typeof impute.infer>[0]
  const meant = MARKERS[marker.is]
  return (column) => ({
    ...(meant === undefined ? {} : { marker: meant }),
    ...(fill?.[column] === undefined ? {} : { fill: fill[column] }),
  })
}

/** The input column that a node's column holds unchanged. */
function originOf(
  program: Program,
  types: readonly ValueType[],
  ref: number,
  column: number,
): number | undefined {
  const { op, inputs, attrs } = program.nodes[ref]!
  if (op === input.name) {
    const { kinds, slots } = attrs as Parameters<typeof input.infer>[0]
    return columnOfSlot(program, kinds[column] === 1 ? 'cell' : 'number', slots[column]!)
  }
  if (op === select.name) {
    const { columns } = attrs as Parameters<typeof select.infer>[0]
    return originOf(program, types, inputs[0]!, columns[column]!)
  }
  if (op !== concat.name) return PASSING.has(op) ? originOf(program, types, inputs[0]!, column) : undefined
  let offset = column
  for (const part of inputs) {
    if (offset < types[part]!.width) return originOf(program, types, part, offset)
    offset -= types[part]!.width
  }
  return undefined
}

function columnOfSlot(program: Program, kind: 'number' | 'cell', slot: number): number | undefined {
  let left = slot
  const column = program.inputs.findIndex((candidate) => candidate.kind === kind && left-- === 0)
  return column < 0 ? undefined : column
}
