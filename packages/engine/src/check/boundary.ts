import { RowError } from '../errors.ts'
import { traceColumn } from '../exec/trace.ts'
import type { Attr, Attrs, Cell, Frame, Program, ValueType } from '../ir/program.ts'
import { validateProgram } from '../ir/validate.ts'
import { nextDown32, nextDown64, nextUp32, nextUp64 } from '../math/adjacent.ts'
import { input } from '../ops/columns.ts'
import { type ElementRun, tensorElements } from '../ops/onnx.ts'
import type { Row } from '../ops/op.ts'
import { getOp } from '../ops/registry.ts'
import { SET_WORDS, type TreesAttrs, trees, treesOnto } from '../ops/trees.ts'
import { type Random, randomOf } from './random.ts'
import { textColumns } from './texts.ts'

const STRANGE_NUMBERS = [
  Number.NaN,
  0,
  -0,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e39,
  -1,
  5e-324,
] as const
const STRANGE_CELLS = [null, Number.NaN, 'a category nobody has seen', '', -1, true] as const
/** What a tensor of text is tried with: its model does not tell what it knows. */
const TEXTS = ['', 'a', 'Yes', 'some text']
/** Share of rows with one strange value; the others test what ordinary rows do. */
const STRANGE_ROWS = 0.25
/** Share of rows of small whole numbers, which are all that some models accept. */
const WHOLE_ROWS = 0.1

/**
 * Rows on which a program is likely to go wrong: values on its thresholds, edges and categories and right beside them,
 * and NaN, infinities, zeros and categories it has never seen. The same for the same program, count and seed.
 *
 * A threshold of a computed column is carried back to the model's own column where only operations lie between that
 * work column by column; they are taken to be affine there.
 * @throws RangeError when the program is not valid
 */
export function boundaryRows(program: Program, count: number, seed: number): Frame {
  const random = randomOf(seed)
  const types = validateProgram(program)
  const marks = marksOf(program, types)
  const texts = textColumns(program, types, random)
  const columns = program.inputs.map(({ kind }, i) =>
    kind === 'number' ? numberColumn(marks[i]!, random) : (texts.get(i) ?? cellColumn(marks[i]!, random)),
  )
  const numbers: number[] = []
  const cells: Cell[] = []
  for (let row = 0; row < count; row++) {
    const strange = random.chance(STRANGE_ROWS) ? random.below(columns.length) : -1
    const whole = random.chance(WHOLE_ROWS)
    columns.forEach((column, i) => {
      const value =
        whole && i !== strange && program.inputs[i]!.kind === 'number'
          ? random.below(2)
          : column(i === strange)
      if (program.inputs[i]!.kind === 'number') numbers.push(value as number)
      else cells.push(value)
    })
  }
  return { rows: count, numbers: Float64Array.from(numbers), cells }
}

type Column = (strange: boolean) => Cell

function numberColumn(marks: readonly Cell[], random: Random): Column {
  const known = marks.filter((mark) => typeof mark === 'number' && Number.isFinite(mark)) as number[]
  const low = known.reduce((a, b) => Math.min(a, b), -1)
  const high = known.reduce((a, b) => Math.max(a, b), 1)
  const beside = [
    (x: number) => x,
    nextUp64,
    nextDown64,
    Math.fround,
    (x: number) => nextUp32(Math.fround(x)),
    (x: number) => nextDown32(Math.fround(x)),
  ]
  return (strange) => {
    if (strange) return random.pick(STRANGE_NUMBERS)
    if (known.length > 0 && random.chance(0.6)) return random.pick(beside)(random.pick(known))
    return low + (high - low) * random.unit()
  }
}

function cellColumn(marks: readonly Cell[], random: Random): Column {
  return (strange) => {
    if (strange) return random.pick(STRANGE_CELLS)
    return marks.length > 0 ? random.pick(marks) : random.unit() * 2 - 1
  }
}

/** Per input column, the values that the program compares it with. */
function marksOf(program: Program, types: readonly ValueType[]): Cell[][] {
  const [zeros, ones] = [probe(program, 0), probe(program, 1)]
  const marks = program.inputs.map((): Cell[] => [])
  program.nodes.forEach(({ op, inputs, attrs }) => {
    const [from] = inputs
    if (from === undefined || types[from]!.kind === 'sparse') return
    const { width } = types[from]!
    const origins = Array.from({ length: width }, (_, column) => traceColumn(program, types, from, column))
    const mark = (column: number, value: Cell): void => {
      const origin = origins[column]
      if (origin === undefined) return
      const [zero, one] = [zeros[from]?.[column], ones[from]?.[column]]
      marks[origin]!.push(carryBack(value, zero, one))
    }
    if (op === trees.name || op === treesOnto.name) {
      const forest = attrs as TreesAttrs
      forest.feature.forEach((column, node) => {
        const isCode = forest.categories[node]! >= 0 && program.inputs[origins[column] ?? -1]?.kind === 'cell'
        if (column >= 0 && !isCode) for (const edge of edgesOf(forest, node)) mark(column, edge)
      })
    } else if (op === tensorElements.name) {
      const elements = (attrs.runs as readonly ElementRun[]).flatMap((run) =>
        new Array(run.width).fill(run.element),
      )
      elements.forEach((element, column) => {
        if (element === 'string') for (const text of TEXTS) mark(column, text)
      })
    } else for (const attr of Object.values(attrs)) markAttribute(attr, width, mark)
  })
  return marks
}

/** What a node compares with; of a set, its first and its last category, and one more. */
function edgesOf({ threshold, categories, sets }: TreesAttrs, node: number): number[] {
  const start = categories[node]! * SET_WORDS
  if (start < 0) return [threshold[node]!]
  const words = sets.subarray(start, start + SET_WORDS)
  const first = words.findIndex((word) => word !== 0)
  const last = words.findLastIndex((word) => word !== 0)
  if (first < 0) return []
  const [low, high] = [words[first]!, words[last]!]
  return [
    first * 32 + 31 - Math.clz32(low & -low),
    last * 32 + 31 - Math.clz32(high),
    last * 32 + 32 - Math.clz32(high),
  ]
}

/** The input that a column is `value` for, when it is `zero` for 0 and `one` for 1; the value itself for categories. */
function carryBack(value: Cell, zero: Cell | undefined, one: Cell | undefined): Cell {
  if (typeof value !== 'number' || typeof zero !== 'number' || typeof one !== 'number') return value
  return zero === one ? value : (value - zero) / (one - zero)
}

/** All nodes for a row whose every input is `x`; undefined behind an operation that raises. */
function probe(program: Program, x: number): (Row | undefined)[] {
  const rows: (Row | undefined)[] = []
  for (const { op, inputs, attrs } of program.nodes) {
    const from = inputs.map((ref) => rows[ref])
    const known = from.filter((row) => row !== undefined)
    rows.push(known.length < from.length ? undefined : evaluate(op, attrs, known, x))
  }
  return rows
}

function evaluate(op: string, attrs: Attrs, inputs: readonly Row[], x: number): Row | undefined {
  if (op === input.name) return new Array<number>((attrs.slots as Int32Array).length).fill(x)
  try {
    return getOp(op).ref(attrs, inputs)
  } catch (error) {
    if (error instanceof RowError) return undefined
    throw error
  }
}

/** An attribute with an entry per column holds values of that column, or lists of them. */
function markAttribute(
  attr: Attr | undefined,
  width: number,
  mark: (column: number, value: Cell) => void,
): void {
  if (!(Array.isArray(attr) || attr instanceof Float64Array) || attr.length !== width) return
  for (let column = 0; column < width; column++) {
    const entry = (attr as ArrayLike<Attr>)[column]!
    const values = Array.isArray(entry) || entry instanceof Float64Array ? Array.from<Attr>(entry) : [entry]
    for (const value of values) if (isCell(value)) mark(column, value)
  }
}

const isCell = (value: Attr): value is Attr & Cell => value === null || typeof value !== 'object'
