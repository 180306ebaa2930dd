import { RowError } from '../errors.ts'
import type { Attrs, ValueType } from '../ir/program.ts'
import { MAX_DENSE_WIDTH, SparseRows } from '../ir/sparse-rows.ts'
import { log } from '../math/glibc.ts'
import { transpose } from '../math/matrices.ts'
import { defineOp, expectNumbers, numbers, type Op, type Row, sparse } from './op.ts'

/** @throws RangeError unless `type` is a sparse row (of `width`, when given) */
function expectSparse(
  op: string,
  type: ValueType | undefined,
  width?: number,
): ValueType & { kind: 'sparse' } {
  if (type?.kind !== 'sparse')
    throw new RangeError(`${op}: expects a sparse row, got ${type?.kind ?? 'nothing'}`)
  if (width !== undefined && type.width !== width)
    throw new RangeError(`${op}: expects ${width} columns, got ${type.width}`)
  return type
}

/** Columns and values of a sparse row. */
function* entriesOf(row: Row): Generator<readonly [column: number, value: number]> {
  for (let i = 0; i < row.length; i += 2) yield [row[i] as number, row[i + 1] as number]
}

/** A sparse row with its zeros. @throws RangeError when it is wider than MAX_DENSE_WIDTH */
export const densify = defineOp<{ width: number }>({
  name: 'densify',
  infer({ width }, [x]) {
    const { dtype } = expectSparse('densify', x, width)
    if (width > MAX_DENSE_WIDTH) throw new RangeError(`densify: ${width} columns are too many`)
    return numbers(width, dtype)
  },
  ref({ width }, [x]) {
    const row = new Array<number>(width).fill(0)
    for (const [column, value] of entriesOf(x!)) row[column] = value
    return row
  },
  block({ width }) {
    return ([from], out, rows) => {
      const { starts, columns, values } = from!.sparse!
      out.numbers.fill(0, 0, rows * width)
      for (let r = 0; r < rows; r++)
        for (let i = starts[r]!; i < starts[r + 1]!; i++) out.numbers[r * width + columns[i]!] = values[i]!
    }
  },
})

type ConcatAttrs = {
  /** Width of every input. */
  widths: Int32Array
  /** 1: the input is sparse, 0: it is numbers, of which zeros are left out. */
  sparse: Uint8Array
}

/** Inputs side by side; float64 unless all are float32. */
export const sparseConcat = defineOp<ConcatAttrs>({
  name: 'sparse-concat',
  infer(attrs, inputs) {
    if (inputs.length === 0 || attrs.widths.length !== inputs.length || attrs.sparse.length !== inputs.length)
      throw new RangeError(`sparse-concat: attributes for ${attrs.widths.length} of ${inputs.length} inputs`)
    inputs.forEach((type, i) => {
      const expected = attrs.sparse[i] === 1 ? expectSparse : expectNumbers
      expected('sparse-concat', type, attrs.widths[i])
    })
    const single = inputs.every((type) => type.kind !== 'cell' && type.dtype === 'f32')
    const width = attrs.widths.reduce((sum, own) => sum + own, 0)
    return sparse(width, single ? 'f32' : 'f64')
  },
  ref({ widths, sparse: isSparse }, inputs) {
    let offset = 0
    return inputs.flatMap((row, i) => {
      const before = offset
      offset += widths[i]!
      return isSparse[i] === 1
        ? row.map((part, at) => (at % 2 === 0 ? before + (part as number) : part))
        : row.flatMap((value, column) => (value === 0 ? [] : [before + column, value]))
    })
  },
  block({ widths, sparse: isSparse }) {
    return (blocks, out, rows) => {
      const to = out.sparse!
      to.begin(rows)
      for (let r = 0; r < rows; r++) {
        let offset = 0
        for (let b = 0; b < blocks.length; offset += widths[b++]!)
          if (isSparse[b] === 1) copyEntries(blocks[b]!.sparse!, r, to, offset)
          else copyNumbers(blocks[b]!.numbers.subarray(r * widths[b]!, (r + 1) * widths[b]!), to, offset)
        to.endRow()
      }
    }
  },
})

function copyEntries(
  { starts, columns, values }: SparseRows,
  row: number,
  to: SparseRows,
  offset: number,
): void {
  for (let i = starts[row]!; i < starts[row + 1]!; i++) to.push(offset + columns[i]!, values[i]!)
}

function copyNumbers(row: Float64Array, to: SparseRows, offset: number): void {
  for (let column = 0; column < row.length; column++)
    if (row[column] !== 0) to.push(offset + column, row[column]!)
}

/** The given columns, which ascend, of a row of `width` */
export const sparseSelect = defineOp<{ columns: Int32Array; width: number }>({
  name: 'sparse-select',
  infer({ columns, width }, [x]) {
    const { dtype } = expectSparse('sparse-select', x, width)
    columns.forEach((column, i) => {
      if (column < 0 || column >= width || (i > 0 && column <= columns[i - 1]!))
        throw new RangeError(`sparse-select: column ${column} of ${width} at place ${i}`)
    })
    return sparse(columns.length, dtype)
  },
  ref({ columns }, [x]) {
    const places = new Map(Array.from(columns, (column, place) => [column, place]))
    return Array.from(entriesOf(x!)).flatMap(([column, value]) => {
      const place = places.get(column)
      return place === undefined ? [] : [place, value]
    })
  },
  block({ columns: kept, width }) {
    const places = new Int32Array(width).fill(-1)
    kept.forEach((column, place) => {
      places[column] = place
    })
    return ([from], out, rows) => {
      const { starts, columns, values } = from!.sparse!
      const to = out.sparse!
      to.begin(rows)
      for (let r = 0; r < rows; r++) {
        for (let i = starts[r]!; i < starts[r + 1]!; i++) {
          const place = places[columns[i]!]!
          if (place >= 0) to.push(place, values[i]!)
        }
        to.endRow()
      }
    }
  },
})

type ValueRule<A extends Attrs> = {
  readonly name: string
  validate?(attrs: A, width: number): void
  /** Computes the first `count` values of entries, each from its own value and column, into `to`. */
  compute(attrs: A): (entries: SparseRows, to: Float64Array, count: number) => void
}

/** An operation on every stored value by itself; zeros that are not stored stay zeros. */
function onValues<A extends Attrs>({ name, validate, compute }: ValueRule<A>): Op<A> {
  return defineOp<A>({
    name,
    infer(attrs, [x]) {
      const { width, dtype } = expectSparse(name, x)
      validate?.(attrs, width)
      return sparse(width, dtype)
    },
    ref(attrs, [x]) {
      const rows = new SparseRows()
      rows.begin(1)
      for (const [column, value] of entriesOf(x!)) rows.push(column, value)
      rows.endRow()
      compute(attrs)(rows, rows.values, rows.starts[1]!)
      return rows.row(0)
    },
    block(attrs) {
      const run = compute(attrs)
      return ([from], out, rows) => {
        const entries = from!.sparse!
        out.sparse!.beginLike(entries)
        run(entries, out.sparse!.values, entries.starts[rows]!)
      }
    },
  })
}

/** Refuses NaN and infinity among the stored values. */
export const sparseCheck = onValues<{ nan: 'allow' | 'refuse' }>({
  name: 'sparse-check',
  compute:
    ({ nan }) =>
    ({ columns, values }, to, count) => {
      for (let i = 0; i < count; i++) {
        const value = values[i]!
        if (!Number.isFinite(value) && (nan === 'refuse' || !Number.isNaN(value)))
          throw new RowError(
            Number.isNaN(value) ? 'contains NaN' : 'contains infinity or a value too large for float64',
            columns[i]!,
          )
        to[i] = value
      }
    },
})

const rounded = (value: number, single: boolean): number => (single ? Math.fround(value) : value)

/** Every column times, or divided by, its own number; float32 rows are rounded again. */
export const sparseScale = onValues<{ by: 'multiply' | 'divide'; values: Float64Array; single: boolean }>({
  name: 'sparse-scale',
  validate({ by, values }, width) {
    if (!['multiply', 'divide'].includes(by)) throw new RangeError(`sparse-scale: cannot ${by}`)
    if (values.length !== width)
      throw new RangeError(`sparse-scale: ${values.length} numbers for ${width} columns`)
  },
  compute({ by, values: scales, single }) {
    const multiplies = by === 'multiply'
    return ({ columns, values }, to, count) => {
      for (let i = 0; i < count; i++) {
        const scale = scales[columns[i]!]!
        to[i] = rounded(multiplies ? values[i]! * scale : values[i]! / scale, single)
      }
    }
  },
})

/** Most counts in a text are as small as these, whose logarithms are kept. */
const LOGARITHMS = Float64Array.from({ length: 64 }, (_, count) => log(count))

/** 1 + ln x: a term that is there twice as often does not count twice. */
export const sublinear = onValues<Record<string, never>>({
  name: 'sublinear',
  compute:
    () =>
    ({ values }, to, count) => {
      for (let i = 0; i < count; i++) to[i] = (LOGARITHMS[values[i]!] ?? log(values[i]!)) + 1
    },
})

/** 1 above the threshold, else 0 */
export const sparseBinarize = onValues<{ threshold: number }>({
  name: 'sparse-binarize',
  validate({ threshold }) {
    if (!(threshold >= 0)) throw new RangeError('sparse-binarize: zeros would become ones')
  },
  compute:
    ({ threshold }) =>
    ({ values }, to, count) => {
      for (let i = 0; i < count; i++) to[i] = values[i]! > threshold ? 1 : 0
    },
})

type Norm = 'l1' | 'l2' | 'max'

const NORMS: Readonly<Record<Norm, (values: Float64Array, from: number, to: number) => number>> = {
  l1(values, from, to) {
    let sum = 0
    for (let i = from; i < to; i++) sum += Math.abs(values[i]!)
    return sum
  },
  l2(values, from, to) {
    let sum = 0
    for (let i = from; i < to; i++) sum += values[i]! * values[i]!
    return Math.sqrt(sum)
  },
  max(values, from, to) {
    let most = 0
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(values[i]!))
    return most
  },
}

/** Every value divided by the norm of its row, added from left to right; rows of zeros stay. */
export const sparseNormalize = defineOp<{ norm: string }>({
  name: 'sparse-normalize',
  infer({ norm }, [x]) {
    const { width, dtype } = expectSparse('sparse-normalize', x)
    if (!Object.hasOwn(NORMS, norm)) throw new RangeError('sparse-normalize: norm is not l1, l2 or max')
    if (dtype === 'f32') throw new RangeError('sparse-normalize: float32 rows are not normalised here')
    return sparse(width)
  },
  ref({ norm }, [x]) {
    const values = Float64Array.from(Array.from(entriesOf(x!), ([, value]) => value))
    const divisor = NORMS[norm as Norm](values, 0, values.length) || 1
    return x!.map((part, at) => (at % 2 === 0 ? part : (part as number) / divisor))
  },
  block({ norm }) {
    const normOf = NORMS[norm as Norm]
    return ([from], out, rows) => {
      const { starts, values } = from!.sparse!
      out.sparse!.beginLike(from!.sparse!)
      const to = out.sparse!.values
      for (let r = 0; r < rows; r++) {
        const divisor = normOf(values, starts[r]!, starts[r + 1]!) || 1
        for (let i = starts[r]!; i < starts[r + 1]!; i++) to[i] = values[i]! / divisor
      }
    }
  },
})

type LinearAttrs = {
  /** outputs × columns, row-major. */
  weights: Float64Array
  /** One per output. */
  bias: Float64Array
  /** Products and sums are rounded to float32. */
  single: boolean
}

/** yⱼ = (Σ over the stored xᵢ of xᵢ · weights[j][i]) + biasⱼ, left to right as scipy's products of sparse rows. */
export const sparseLinear = defineOp<LinearAttrs & { width: number }>({
  name: 'sparse-linear',
  infer({ weights, bias, single, width }, [x]) {
    expectSparse('sparse-linear', x, width)
    if (weights.length !== bias.length * width)
      throw new RangeError(
        `sparse-linear: ${weights.length} weights, ${width} columns, ${bias.length} outputs`,
      )
    return numbers(bias.length, single ? 'f32' : 'f64')
  },
  ref({ weights, bias, single, width }, [x]) {
    const round = single ? Math.fround : (value: number) => value
    return Array.from(bias, (shift, j) => {
      const products = Array.from(entriesOf(x!), ([column, value]) =>
        round(value * weights[j * width + column]!),
      )
      return round(products.reduce((sum, product) => round(sum + product), 0) + shift)
    })
  },
  block({ weights, bias, single, width }) {
    const outputs = bias.length
    const byColumn =
      outputs === 1 ? weights : transpose({ values: weights, rows: outputs, columns: width }).values
    const sums = new Float64Array(outputs)
    return ([from], out, rows) => {
      const { starts, columns, values } = from!.sparse!
      for (let r = 0; r < rows; r++) {
        sums.fill(0)
        for (let i = starts[r]!; i < starts[r + 1]!; i++)
          for (let j = 0, w = columns[i]! * outputs; j < outputs; j++, w++)
            sums[j] = rounded(sums[j]! + rounded(values[i]! * byColumn[w]!, single), single)
        for (let j = 0; j < outputs; j++) out.numbers[r * outputs + j] = rounded(sums[j]! + bias[j]!, single)
      }
    }
  },
})
