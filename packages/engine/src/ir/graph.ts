import { castToNumbers, concat, input, select } from '../ops/columns.ts'
import type { Op } from '../ops/op.ts'
import { densify, sparseConcat, sparseSelect } from '../ops/sparse.ts'
import type { Attrs, InputColumn, ProgramNode, Ref, ValueType } from './program.ts'
import { MAX_DENSE_WIDTH } from './sparse-rows.ts'

/** Thrown when a column taken for a number turns out to hold text: lowering starts again with it as a cell column. */
export class CellColumnsNeeded extends Error {
  readonly columns: readonly number[]
  constructor(columns: readonly number[]) {
    super(`input columns ${columns.join(', ')} hold categories`)
    this.columns = columns
  }
}

/** Thrown when a sparse row is wanted with its zeros and has too many of them. */
export class TooWide extends Error {
  readonly width: number
  constructor(width: number) {
    super(`${width} columns are too many to write out; at most ${MAX_DENSE_WIDTH} are`)
    this.width = width
  }
}

/** Builds a program node by node, checking types as it goes. */
export class Graph {
  readonly columns: readonly InputColumn[]
  /** Forests are to keep the values of their inner nodes, for passes that cut them. */
  readonly innerValues: boolean
  readonly nodes: ProgramNode[] = []
  readonly #types: ValueType[] = []
  /** Per node, per output column: the model input column it is a form of, or -1. */
  readonly #sources: (readonly number[])[] = []
  readonly #slots: readonly number[]
  /** Sparse nodes that were densified → their dense form. */
  readonly #dense = new Map<Ref, Ref>()

  constructor(columns: readonly InputColumn[], innerValues = false) {
    this.columns = columns
    this.innerValues = innerValues
    const next = { number: 0, cell: 0 }
    this.#slots = columns.map((column) => next[column.kind]++)
  }

  /** @throws RangeError when the operation's typing rule refuses */
  add<A extends Attrs>(op: Op<A>, inputs: readonly Ref[], attrs: A): Ref {
    const types = inputs.map((ref) => this.type(ref))
    const type = op.infer(attrs, types)
    const sources =
      op.columnwise && inputs[0] !== undefined
        ? this.sources(inputs[0])
        : new Array<number>(type.kind === 'sparse' ? 0 : type.width).fill(-1)
    return this.#push({ op: op.name, inputs, attrs }, type, sources)
  }

  /** The given model columns, in that order. Numbers when all are, cells otherwise. */
  input(columns: readonly number[]): Ref {
    for (const c of columns) if (this.columns[c] === undefined) throw new RangeError(`no input column ${c}`)
    const kinds = Uint8Array.from(columns, (c) => (this.columns[c]!.kind === 'cell' ? 1 : 0))
    const slots = Int32Array.from(columns, (c) => this.#slots[c]!)
    const attrs = { kinds, slots }
    return this.#push({ op: input.name, inputs: [], attrs }, input.infer(attrs, []), columns)
  }

  /** Columns of a node. Looks through inputs and concatenations, so that numbers stay numbers. */
  select(ref: Ref, columns: readonly number[]): Ref {
    const node = this.nodes[ref]!
    const width = this.width(ref)
    if (columns.length === width && columns.every((column, i) => column === i)) return ref
    if (this.type(ref).kind === 'sparse') return this.#selectSparse(ref, columns)
    if (node.op === input.name) return this.input(columns.map((column) => this.sources(ref)[column]!))
    if (node.op === concat.name && this.type(ref).kind === 'cell') {
      const parts = columns.map((column) => this.#partOf(node, column))
      return this.concat(parts.map(([part, column]) => this.select(part, [column])))
    }
    const attrs = { columns: Int32Array.from(columns) }
    const type = select.infer(attrs, [this.type(ref)])
    return this.#push(
      { op: select.name, inputs: [ref], attrs },
      type,
      columns.map((c) => this.sources(ref)[c]!),
    )
  }

  concat(refs: readonly Ref[]): Ref {
    if (refs.length === 1) return refs[0]!
    if (refs.some((ref) => this.type(ref).kind === 'sparse')) return this.#concatSparse(refs)
    if (refs.length > 1 && refs.every((ref) => this.nodes[ref]!.op === input.name))
      return this.input(refs.flatMap((ref) => this.sources(ref)))
    const type = concat.infer(
      {},
      refs.map((ref) => this.type(ref)),
    )
    return this.#push(
      { op: concat.name, inputs: refs, attrs: {} },
      type,
      refs.flatMap((ref) => this.sources(ref)),
    )
  }

  /**
   * The node as numbers: text that spells a number is read, None becomes NaN, anything else is the row's error. Sparse
   * rows get their zeros. @throws TooWide when there are too many of them
   */
  toNumbers(ref: Ref): Ref {
    const { kind, width } = this.type(ref)
    if (kind === 'number') return ref
    if (kind === 'cell') return this.add(castToNumbers, [ref], {})
    if (width > MAX_DENSE_WIDTH) throw new TooWide(width)
    const dense = this.#dense.get(ref) ?? this.add(densify, [ref], { width })
    this.#dense.set(ref, dense)
    return dense
  }

  /**
   * The node as cells. @throws CellColumnsNeeded to start again when it was built from number columns
   * @throws RangeError when it is a computed number, which has no cell form
   */
  toCells(ref: Ref): Ref {
    if (this.type(ref).kind === 'cell') return ref
    const columns = this.sources(ref).filter(
      (column) => column >= 0 && this.columns[column]!.kind === 'number',
    )
    if (columns.length === 0) throw new RangeError('categories are looked up in computed numbers')
    throw new CellColumnsNeeded(columns)
  }

  type(ref: Ref): ValueType {
    const type = this.#types[ref]
    if (type === undefined) throw new RangeError(`no node ${ref}`)
    return type
  }

  width(ref: Ref): number {
    return this.type(ref).width
  }

  sources(ref: Ref): readonly number[] {
    return this.#sources[ref]!
  }

  #push(node: ProgramNode, type: ValueType, sources: readonly number[]): Ref {
    this.nodes.push(node)
    this.#types.push(type)
    this.#sources.push(sources)
    return this.nodes.length - 1
  }

  /** Columns that do not ascend are taken from the dense row. */
  #selectSparse(ref: Ref, columns: readonly number[]): Ref {
    const ascending = columns.every((column, i) => i === 0 || column > columns[i - 1]!)
    return ascending
      ? this.add(sparseSelect, [ref], { columns: Int32Array.from(columns), width: this.width(ref) })
      : this.select(this.toNumbers(ref), columns)
  }

  #concatSparse(refs: readonly Ref[]): Ref {
    const parts = refs.map((ref) => (this.type(ref).kind === 'cell' ? this.toNumbers(ref) : ref))
    return this.add(sparseConcat, parts, {
      widths: Int32Array.from(parts, (ref) => this.width(ref)),
      sparse: Uint8Array.from(parts, (ref) => (this.type(ref).kind === 'sparse' ? 1 : 0)),
    })
  }

  #partOf(node: ProgramNode, column: number): [Ref, number] {
    let offset = column
    for (const part of node.inputs) {
      if (offset < this.width(part)) return [part, offset]
      offset -= this.width(part)
    }
    throw new RangeError(`concat: no column ${column}`)
  }
}
