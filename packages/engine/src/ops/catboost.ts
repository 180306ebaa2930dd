import { RowError } from '../errors.ts'
import type { Cell } from '../ir/program.ts'
import { cityHash64 } from '../math/city-hash.ts'
import { cellwise } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

const encoder = new TextEncoder()

/** Low 32 bits, signed, of the hash of a category as text; integers are written in decimal. */
export const categoryHash = cellwise<Record<string, never>>({
  name: 'category-hash',
  result: (_, type) => numbers(type.width),
  at() {
    return (cell, column) => Number(BigInt.asIntN(32, cityHash64(encoder.encode(textOf(cell, column)))))
  },
})

function textOf(cell: Cell, column: number): string {
  if (typeof cell === 'string') return cell
  if (typeof cell === 'number' && Number.isSafeInteger(cell)) return String(cell)
  throw new RowError('holds no category: text or a whole number', column)
}

/** 1 where a column equals a value, else 0. */
export const equals = defineOp<{ columns: Int32Array; values: Int32Array }>({
  name: 'equals',
  infer({ columns, values }, [x]) {
    const { width } = expectNumbers('equals', x)
    if (columns.length !== values.length) throw new RangeError('equals: columns and values differ in length')
    if (columns.some((column) => !(column >= 0 && column < width)))
      throw new RangeError(`equals: reads a column outside of ${width}`)
    return numbers(columns.length)
  },
  ref: ({ columns, values }, [x]) => Array.from(columns, (column, i) => (x![column] === values[i] ? 1 : 0)),
})

const KINDS = [
  'Borders',
  'Buckets',
  'BinarizedTargetMeanValue',
  'FloatTargetMeanValue',
  'Counter',
  'FeatureFreq',
] as const
export type CounterKind = (typeof KINDS)[number]
export const isCounterKind = (kind: string): kind is CounterKind =>
  (KINDS as readonly string[]).includes(kind)

type CategoryStatisticAttrs = {
  /** Columns of hashes that are combined. */
  readonly columns: Int32Array
  readonly kind: CounterKind
  readonly targetBorder: number
  readonly prior: number
  readonly priorWeight: number
  readonly shift: number
  readonly scale: number
  /** 64-bit hashes, low and high word, and `stride` numbers for each. */
  readonly keys: Uint32Array
  readonly stride: number
  readonly values: Float64Array
  readonly denominator: number
}

/**
 * A statistic of the training target by category, in float32:
 *   ((good + prior) / (total + priorWeight) + shift) · scale
 * with good and total out of the numbers of the category; 0 of 0 (of `denominator` in counts) where it is unknown.
 */
export const categoryStatistic = defineOp<CategoryStatisticAttrs>({
  name: 'category-statistic',
  infer({ columns, kind, keys, stride, values }, [x]) {
    const { width } = expectNumbers('category-statistic', x)
    if (!isCounterKind(kind)) throw new RangeError(`category-statistic: no kind ${String(kind)}`)
    if (columns.some((column) => !(column >= 0 && column < width)))
      throw new RangeError(`category-statistic: reads a column outside of ${width}`)
    if (!(stride >= 1) || keys.length % 2 !== 0 || values.length !== (keys.length / 2) * stride)
      throw new RangeError('category-statistic: keys and values differ in length')
    return numbers(1, 'f32')
  },
  ref: (attrs, [x]) => [statisticOf(attrs)(x as readonly number[])],
  block(attrs, [x]) {
    const { width } = x!
    const statistic = statisticOf(attrs)
    return ([source], out, rows) => {
      for (let row = 0; row < rows; row++)
        out.numbers[row] = statistic(source!.numbers.subarray(row * width, (row + 1) * width))
    }
  },
})

function statisticOf(attrs: CategoryStatisticAttrs): (x: ArrayLike<number>) => number {
  const { columns, keys, stride, values } = attrs
  const rows = new Map<bigint, number>()
  for (let i = 0; i < keys.length / 2; i++)
    rows.set((BigInt(keys[2 * i + 1]!) << 32n) | BigInt(keys[2 * i]!), i)
  return (x) => {
    const row = rows.get(combinedHash(columns, x))
    const [good, total] = partsOf(
      attrs,
      row === undefined ? undefined : values.subarray(row * stride, (row + 1) * stride),
    )
    const mean = Math.fround(Math.fround(good + attrs.prior) / Math.fround(total + attrs.priorWeight))
    return Math.fround(Math.fround(mean + attrs.shift) * attrs.scale)
  }
}

const MULTIPLIER = 0x4906ba494954cb65n

/** h ← m · (h + m · category), in 64 bits */
function combinedHash(columns: Int32Array, x: ArrayLike<number>): bigint {
  let hash = 0n
  for (const column of columns)
    hash = BigInt.asUintN(64, MULTIPLIER * (hash + MULTIPLIER * BigInt(x[column]!)))
  return hash
}

function partsOf(
  { kind, targetBorder, denominator }: CategoryStatisticAttrs,
  found: Float64Array | undefined,
): readonly [good: number, total: number] {
  if (kind === 'Counter' || kind === 'FeatureFreq') return [found?.[0] ?? 0, denominator]
  if (found === undefined) return [0, 0]
  if (kind === 'BinarizedTargetMeanValue' || kind === 'FloatTargetMeanValue')
    return [found[0]!, found[1] ?? 0]
  const total = found.reduce((sum, count) => sum + count, 0)
  if (kind === 'Buckets') return [found[targetBorder] ?? 0, total]
  return [found.subarray(targetBorder + 1).reduce((sum, count) => sum + count, 0), total]
}
