import { RowError } from '../errors.ts'
import { elementwise } from './elementwise.ts'
import { rowwise } from './rowwise.ts'

type CheckAttrs = {
  readonly nan: 'allow' | 'refuse'
  readonly inf: 'allow' | 'refuse'
  /** `f32`: finite numbers that overflow float32 count as infinite, as in estimators that cast to float32. */
  readonly limit: 'f64' | 'f32'
}

/**
 * scikit-learn's `check_array`: passes the row through, or refuses it.
 * @throws RowError naming the first column that holds NaN or infinity where the estimator accepts none
 */
export const check = elementwise<CheckAttrs>({
  name: 'check',
  validate() {},
  result: (_, type) => type,
  at: (attrs) => (value, column) => {
    if (!(Math.abs(value) <= FLOAT32_MAX)) refuse(attrs, value, column)
    return value
  },
  many: (attrs, width) => (x, y, count) => {
    for (let i = 0; i < count; i++) {
      const value = x[i]!
      if (!(Math.abs(value) <= FLOAT32_MAX)) refuse(attrs, value, i % width)
      y[i] = value
    }
  },
})

const FLOAT32_MAX = 3.4028234663852886e38

/** Called for what may have to be refused: NaN and numbers beyond the largest float32. */
function refuse({ nan, inf, limit }: CheckAttrs, value: number, column: number): void {
  if (Number.isNaN(value)) {
    if (nan === 'refuse') throw new RowError('contains NaN', column)
    return
  }
  if (inf === 'allow') return
  if (!Number.isFinite(value))
    throw new RowError('contains infinity or a value too large for float64', column)
  if (limit === 'f32' && !Number.isFinite(Math.fround(value)))
    throw new RowError('contains infinity or a value too large for float32', column)
}

/** Passes weights through. @throws RowError where all of them are 0 */
export const someWeight = rowwise<Record<string, never>>({
  name: 'some-weight',
  infer: (_, width) => width,
  at: (_, width) => (x, from, y, to) => {
    let weightless = true
    for (let i = 0; i < width; i++) {
      const weight = x[from + i]!
      y[to + i] = weight
      if (weight !== 0) weightless = false
    }
    if (weightless) throw new RowError('the row is too far from every neighbour for any to have a weight')
  },
})
