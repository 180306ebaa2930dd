import { RowError } from '../errors.ts'
import type { Attrs, Cell, ValueType } from '../ir/program.ts'
import { placeByHash } from './hashed-place.ts'
import { defineOp, numbers, type Op, sparse } from './op.ts'
import { expectTallyWidth, sparseRowOf, Tally } from './tally.ts'

const LONGEST_JSON = 2 ** 20

/** The value whose JSON text a cell holds. @throws RowError for anything else */
function parsed(cell: Cell): unknown {
  if (typeof cell !== 'string') throw new RowError('is not a list or an object', 0)
  if (cell.length > LONGEST_JSON)
    throw new RowError(`JSON of ${cell.length} characters; at most ${LONGEST_JSON} are read`, 0)
  try {
    return JSON.parse(cell)
  } catch {
    throw new RowError('is not JSON', 0)
  }
}

function recordOf(cell: Cell): readonly (readonly [name: string, value: unknown])[] {
  const value = parsed(cell)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RowError('is not an object', 0)
  return Object.entries(value)
}

function listOf(cell: Cell): readonly unknown[] {
  const value = parsed(cell)
  if (!Array.isArray(value)) throw new RowError('is not a list', 0)
  return value
}

const isNumeric = (value: unknown): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean'

type Add = (column: number, value: number) => void

type RecordRule<A extends Attrs> = {
  readonly name: string
  result(attrs: A): ValueType
  /** Names every entry of a cell's value; prepared once. */
  reader(attrs: A): (cell: Cell, add: Add) => void
}

/** An operation from one JSON value to a sparse row. */
function recordOp<A extends Attrs>({ name, result, reader }: RecordRule<A>): Op<A> {
  const readers = new WeakMap<A, ReturnType<typeof reader>>()
  const readerOf = (attrs: A): ReturnType<typeof reader> => {
    const known = readers.get(attrs) ?? reader(attrs)
    readers.set(attrs, known)
    return known
  }
  return defineOp<A>({
    name,
    infer(attrs, [x]) {
      if (x?.kind !== 'cell' || x.width !== 1) throw new RangeError(`${name}: expects one column`)
      return result(attrs)
    },
    ref(attrs, [x]) {
      const sums = new Map<number, number>()
      readerOf(attrs)(x![0]!, (column, value) => {
        sums.set(column, (sums.get(column) ?? 0) + value)
      })
      return sparseRowOf(sums, false)
    },
    block(attrs) {
      const read = readerOf(attrs)
      const tally = new Tally(result(attrs).width)
      const add: Add = (column, value) => tally.add(column, value)
      return ([from], out, rows) => {
        out.sparse!.begin(rows)
        tally.clear()
        for (let r = 0; r < rows; r++) {
          read(from!.cells[r]!, add)
          tally.moveTo(out.sparse!, false)
        }
      }
    },
  })
}

/** Every feature of an object that has a column: `name=text` counts 1, a number counts itself, null is NaN. */
export const recordFeatures = recordOp<{ features: readonly string[]; separator: string }>({
  name: 'record-features',
  result({ features, separator }) {
    expectTallyWidth('record-features', features.length)
    if (typeof separator !== 'string') throw new RangeError('record-features: separator is not text')
    return sparse(features.length)
  },
  reader({ features, separator }) {
    const columns = new Map(features.map((feature, column) => [feature, column]))
    return (cell, add) => {
      const count = (feature: string, value: number): void => {
        const column = columns.get(feature)
        if (column !== undefined) add(column, value)
      }
      for (const [name, value] of recordOf(cell)) {
        if (value === null) count(name, Number.NaN)
        else if (isNumeric(value)) count(name, Number(value))
        else for (const text of textsOf(value)) count(`${name}${separator}${text}`, 1)
      }
    }
  },
})

/** A text, or the texts of a list. */
function textsOf(value: unknown): readonly string[] {
  const texts = Array.isArray(value) ? value : [value]
  if (texts.every((text) => typeof text === 'string')) return texts
  throw new RowError('holds a value that is not a text, a number or a list of texts', 0)
}

type HashedAttrs = {
  width: number
  /** What a row is: 'dict' an object, 'pair' a list of [name, value], 'string' a list of names. */
  form: string
  alternate: boolean
}

type Entries = (cell: Cell) => readonly (readonly [name: unknown, value: unknown])[]

const FORMS: Readonly<Record<string, Entries>> = {
  dict: recordOf,
  pair: (cell) =>
    listOf(cell).map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw new RowError('holds something that is not a pair', 0)
      return [pair[0], pair[1]]
    }),
  string: (cell) => listOf(cell).map((name) => [name, 1]),
}

/** Names and values in columns that the names' hashes choose; a text value is part of the name. */
export const hashedFeatures = recordOp<HashedAttrs>({
  name: 'hashed-features',
  result({ width, form }) {
    expectTallyWidth('hashed-features', width)
    if (!Object.hasOwn(FORMS, form)) throw new RangeError('hashed-features: rows of an unknown form')
    return sparse(width)
  },
  reader(attrs) {
    const entries = FORMS[attrs.form]!
    const place = { column: -1, value: 0 }
    return (cell, add) => {
      for (const [name, value] of entries(cell)) {
        const isText = typeof value === 'string'
        if (!isText && !isNumeric(value))
          throw new RowError('holds a value that is not a text or a number', 0)
        const times = isText ? 1 : Number(value)
        if (times === 0) continue
        if (typeof name !== 'string') throw new RowError('holds a name that is not a text', 0)
        placeByHash(isText ? `${name}=${value}` : name, attrs, place)
        add(place.column, times * place.value)
      }
    }
  },
})

/** Python takes 1, 1.0 and true for one label. */
const labelKey = (label: unknown): unknown => (typeof label === 'boolean' ? Number(label) : label)

/** 1 for every label that a list holds, 0 for the others; labels not seen in training are left out. */
export const labelSet = defineOp<{ labels: readonly Cell[] }>({
  name: 'label-set',
  infer({ labels }, [x]) {
    if (x?.kind !== 'cell' || x.width !== 1) throw new RangeError('label-set: expects one column')
    return numbers(labels.length)
  },
  ref({ labels }, [x]) {
    const present = new Set(listOf(x![0]!).map(labelKey))
    for (const label of present)
      if (typeof label === 'object' && label !== null)
        throw new RowError('holds a label that is a list or an object', 0)
    return labels.map((label) => (present.has(labelKey(label)) ? 1 : 0))
  },
})
