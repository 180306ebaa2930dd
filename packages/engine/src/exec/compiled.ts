import { RowError } from '../errors.ts'
import { slabWidths } from '../ir/frames.ts'
import type {
  Answer,
  Attrs,
  Cell,
  Executable,
  Frame,
  Method,
  Program,
  ProgramOutput,
  Ref,
  ValueType,
} from '../ir/program.ts'
import { SparseRows } from '../ir/sparse-rows.ts'
import { validateProgram } from '../ir/validate.ts'
import { input } from '../ops/columns.ts'
import type { Block, BlockKernel, Op } from '../ops/op.ts'
import { getOp } from '../ops/registry.ts'
import { buildAnswer, type NodeValues } from './answers.ts'
import type { Layouts, Place, Seat } from './place.ts'
import { evaluateRow } from './reference.ts'

/** Rows computed at a time: enough to amortise a step, few enough for the blocks to stay in the cache. */
const BLOCK_ROWS = 256
/** Numbers of one block: nodes wider than 4096 get fewer rows at a time. */
const BLOCK_NUMBERS = 2 ** 20
const NO_NUMBERS = new Float64Array(0)
const NO_FRAME: Frame = { rows: 0, numbers: NO_NUMBERS, cells: [] }

/** A node ready to run: reads its inputs' blocks, writes its own. */
type Step = {
  readonly type: ValueType
  readonly inputs: readonly Step[]
  readonly blocks: readonly Block[]
  readonly block: Block
  readonly kernel: BlockKernel
}

/** The steps that a set of outputs needs, in evaluation order, and the nodes it answers with. */
type Schedule = {
  readonly outputs: readonly ProgramOutput[]
  readonly steps: readonly Step[]
  readonly refs: readonly Ref[]
}

/** Values of the nodes that a set of outputs answers with, by node; others are missing. */
export type Results = readonly NodeValues[]
/** Where those go that are numbers. */
export type Numbers = readonly (Float64Array | undefined)[]

/** A compiled program, in the steps that threads take apart: each computes some of the rows into what all answer. */
export interface CompiledProgram extends Executable {
  /** Of its nodes. */
  readonly types: readonly ValueType[]
  /** What its kernels have laid out, by node. Grows as further outputs are prepared. */
  readonly layouts: readonly Layouts[]
  /** Gets ready for outputs, so that `layouts` has what they need. */
  prepare(outputs: readonly Method[]): void
  /** Room for so many rows. Numbers go where they are to, else to memory that threads share. */
  createResults(outputs: readonly Method[], rows: number, numbers?: Numbers): Results
  /** @throws RowError like `run` */
  compute(frame: Frame, outputs: readonly Method[], results: Results): void
  /** The answers that results are of. */
  answer(outputs: readonly Method[], results: Results, rows: number): Answer[]
}

/** With which other threads a program is shared, and what one of them has found its types to be and laid out. */
export type Sharing = {
  readonly seat: Seat
  readonly types?: readonly ValueType[]
  readonly layouts?: readonly Layouts[]
}

/** One thread, and memory that is not shared. */
export const ALONE: Seat = { number: 0, of: 1, isPioneer: true }

/** The rows being computed, as input steps see them. */
type Window = { frame: Frame; start: number }

/**
 * Compiles a program: a step per node over blocks of rows, in buffers that are kept and reused. Answers bit for bit
 * what `interpret` answers, in fresh arrays, and raises on the same rows.
 *
 * Not re-entrant; its memory grows to one block per node on the first batch, while a single row needs one row per node.
 * Every thread compiles its own, from what the first has laid out.
 * @throws RangeError when the program is not valid
 */
export function compileProgram(program: Program, sharing: Sharing = { seat: ALONE }): CompiledProgram {
  return new BlockProgram(program, sharing)
}

class BlockProgram implements CompiledProgram {
  readonly program: Program
  readonly layouts: readonly Layouts[]
  readonly #seat: Seat
  readonly types: readonly ValueType[]
  readonly #steps: (Step | undefined)[] = []
  readonly #schedules = new Map<string, Schedule>()
  /** The outputs asked for last, and their schedule: callers ask for the same list again and again. */
  #latest: { readonly names: readonly Method[]; readonly schedule: Schedule } | undefined
  readonly #window: Window = { frame: NO_FRAME, start: 0 }
  readonly #blockRows: number
  readonly #slabWidths: ReturnType<typeof slabWidths>
  #capacity = 1

  constructor(program: Program, { seat, types, layouts }: Sharing) {
    this.program = program
    this.#seat = seat
    this.layouts = program.nodes.map((_, ref) => ({ ...layouts?.[ref] }))
    this.types = types ?? validateProgram(program)
    const widest = this.types.reduce(
      (most, { kind, width }) => Math.max(most, kind === 'sparse' ? 1 : width),
      1,
    )
    this.#blockRows = Math.max(1, Math.min(BLOCK_ROWS, Math.floor(BLOCK_NUMBERS / widest)))
    this.#slabWidths = slabWidths(program.inputs)
  }

  run(frame: Frame, outputs: readonly Method[]): Answer[] {
    const results: NodeValues[] = []
    for (const ref of this.#schedule(outputs).refs) results[ref] = storage(this.types[ref]!, frame.rows)
    this.compute(frame, outputs, results)
    return this.answer(outputs, results, frame.rows)
  }

  prepare(outputs: readonly Method[]): void {
    this.#schedule(outputs)
  }

  createResults(outputs: readonly Method[], rows: number, numbers: Numbers = []): Results {
    const results: NodeValues[] = []
    for (const ref of this.#schedule(outputs).refs) {
      const type = this.types[ref]!
      results[ref] =
        type.kind === 'number' ? (numbers[ref] ?? sharedNumbers(rows * type.width)) : storage(type, rows)
    }
    return results
  }

  compute(frame: Frame, outputs: readonly Method[], results: Results): void {
    this.#expectFrame(frame)
    const schedule = this.#schedule(outputs)
    if (frame.rows > this.#capacity) this.#grow()
    this.#window.frame = frame
    try {
      for (let start = 0; start < frame.rows; start += this.#blockRows)
        this.#runBlock(schedule, start, results)
    } finally {
      this.#window.frame = NO_FRAME
    }
  }

  answer(outputs: readonly Method[], results: Results, rows: number): Answer[] {
    return this.#schedule(outputs).outputs.map((output) => {
      const values = output.parts.map((ref) => results[ref]!)
      return buildAnswer(output, this.types, values, rows)
    })
  }

  #runBlock(schedule: Schedule, start: number, results: Results): void {
    const rows = Math.min(this.#blockRows, this.#window.frame.rows - start)
    this.#window.start = start
    try {
      for (const { kernel, blocks, block } of schedule.steps) kernel(blocks, block, rows)
    } catch (error) {
      throw error instanceof RowError ? (this.#firstFailure(schedule, start, rows) ?? error) : error
    }
    for (const ref of schedule.refs) {
      const { type, block } = this.#steps[ref]!
      const count = rows * type.width
      const target = results[ref]! as Float64Array | Cell[]
      const source = type.kind === 'number' ? block.numbers : block.cells
      for (let i = 0, at = start * type.width; i < count; i++) target[at++] = source[i]!
    }
  }

  /** The rows again, one by one as the reference runs them, to name the first that raises and its column. */
  #firstFailure(schedule: Schedule, start: number, rows: number): RowError | undefined {
    const { program } = this
    const { frame } = this.#window
    for (let row = start; row < start + rows; row++)
      try {
        evaluateRow({ program, types: this.types, frame, row }, schedule.outputs)
      } catch (error) {
        if (error instanceof RowError) return error
        throw error
      }
    return undefined
  }

  #schedule(names: readonly Method[]): Schedule {
    if (this.#latest?.names === names) return this.#latest.schedule
    const key = names.join()
    const schedule = this.#schedules.get(key) ?? this.#plan(names)
    this.#schedules.set(key, schedule)
    this.#latest = { names, schedule }
    return schedule
  }

  #plan(names: readonly Method[]): Schedule {
    const outputs = this.program.outputs.filter((output) => names.includes(output.name))
    const refs = [...new Set(outputs.flatMap((output) => output.parts))]
    const live = new Set<Step>()
    const visit = (step: Step): void => {
      if (live.has(step)) return
      for (const before of step.inputs) visit(before)
      live.add(step)
    }
    for (const ref of refs) visit(this.#step(ref))
    return { outputs, refs, steps: [...live] }
  }

  #step(ref: Ref): Step {
    const built = this.#steps[ref]
    if (built !== undefined) return built
    const { op, inputs, attrs } = this.program.nodes[ref]!
    const before = inputs.map((read) => this.#step(read))
    const place = { seat: this.#seat, layouts: this.layouts[ref]! }
    const step: Step = {
      type: this.types[ref]!,
      inputs: before,
      blocks: before.map(({ block }) => block),
      block: emptyBlock(this.types[ref]!, this.#capacity),
      kernel:
        op === input.name ? this.#inputKernel(attrs) : kernelOf(getOp(op), attrs, { inputs: before, place }),
    }
    this.#steps[ref] = step
    return step
  }

  /** Reads the frame; without copying when the node is the whole number slab in order. */
  #inputKernel(attrs: Attrs): BlockKernel {
    const { kinds, slots } = attrs as Parameters<typeof input.infer>[0]
    const window = this.#window
    const widths = this.#slabWidths
    const width = slots.length
    const whole = width === widths.number && slots.every((slot, i) => slot === i && kinds[i] === 0)
    if (whole)
      return (_, out, rows) => {
        const { frame, start } = window
        const slab = frame.numbers
        out.numbers = rows === frame.rows ? slab : slab.subarray(start * width, (start + rows) * width)
      }
    const numeric = !kinds.includes(1)
    return (_, out, rows) => {
      const { frame, start } = window
      const target: Float64Array | Cell[] = numeric ? out.numbers : out.cells
      for (let row = start, o = 0; row < start + rows; row++)
        for (let i = 0; i < width; i++)
          target[o++] =
            kinds[i] === 1
              ? frame.cells[row * widths.cell + slots[i]!]!
              : frame.numbers[row * widths.number + slots[i]!]!
    }
  }

  #grow(): void {
    this.#capacity = this.#blockRows
    for (const step of this.#steps)
      if (step !== undefined) Object.assign(step.block, emptyBlock(step.type, this.#capacity))
  }

  #expectFrame({ rows, numbers, cells }: Frame): void {
    const { number, cell } = this.#slabWidths
    if (numbers.length !== rows * number || cells.length !== rows * cell)
      throw new RangeError(
        `run: ${rows} rows of ${number} numbers and ${cell} cells expected, got ${numbers.length} and ${cells.length}`,
      )
  }
}

const storage = (type: ValueType, rows: number): Float64Array | Cell[] =>
  type.kind === 'number' ? new Float64Array(rows * type.width) : new Array<Cell>(rows * type.width).fill(null)

const sharedNumbers = (length: number): Float64Array =>
  new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT))

const emptyBlock = (type: ValueType, rows: number): Block => ({
  type,
  numbers: type.kind === 'number' ? new Float64Array(rows * type.width) : NO_NUMBERS,
  cells: type.kind === 'cell' ? new Array<Cell>(rows * type.width).fill(null) : [],
  ...(type.kind === 'sparse' ? { sparse: new SparseRows() } : {}),
})

function kernelOf(op: Op, attrs: Attrs, at: { inputs: readonly Step[]; place: Place }): BlockKernel {
  const types = at.inputs.map(({ type }) => type)
  return op.block?.(attrs, types, at.place) ?? rowByRow(op, attrs, types)
}

/** The reference rule of an operation that has no fast form. */
function rowByRow(op: Op, attrs: Attrs, types: readonly ValueType[]): BlockKernel {
  return (inputs, out, rows) => {
    const target: Float64Array | Cell[] = out.type.kind === 'number' ? out.numbers : out.cells
    const { width } = out.type
    out.sparse?.begin(rows)
    for (let row = 0; row < rows; row++) {
      const values = op.ref(
        attrs,
        inputs.map((block, i) => rowOf(block, types[i]!, row)),
      )
      if (out.sparse === undefined) for (let i = 0; i < width; i++) target[row * width + i] = values[i]!
      else {
        for (let i = 0; i < values.length; i += 2)
          out.sparse.push(values[i] as number, values[i + 1] as number)
        out.sparse.endRow()
      }
    }
  }
}

function rowOf({ numbers, cells, sparse }: Block, { kind, width }: ValueType, row: number): Cell[] {
  if (sparse !== undefined) return sparse.row(row)
  const values = kind === 'number' ? numbers : cells
  return Array.from(values.slice(row * width, (row + 1) * width))
}
