import { RowError } from '../errors.ts'
import { rootOf } from './kernels.ts'
import { type RowKernel, rowwise } from './rowwise.ts'

/**
 * Nearest neighbours. A row of distances, one per training row, becomes a list of neighbours: their indices, then as
 * many distances (or weights). An index of −1 fills a list up.
 */

/** Where a list of `width` / 2 neighbours keeps its distances. @throws RangeError when the width is odd */
function halfOf(op: string, width: number): number {
  if (width === 0 || width % 2 !== 0)
    throw new RangeError(`${op}: ${width} columns are no list of neighbours`)
  return width / 2
}

/** The `count` nearest, nearest first, the first of equals first; distances are brought back by the root of `power`. */
export const neighbours = rowwise<{ count: number; power: number }>({
  name: 'neighbours',
  infer({ count }, width) {
    if (!Number.isInteger(count) || count < 1 || count > width)
      throw new RangeError(`neighbours: ${count} of ${width} rows`)
    return 2 * count
  },
  at({ count, power }, width): RowKernel {
    const root = rootOf(power)
    return (x, from, y, to) => {
      let found = 0
      for (let i = 0; i < width; i++) {
        const distance = x[from + i]!
        if (found === count && !(distance < y[to + 2 * count - 1]!)) continue
        let at = found < count ? found++ : count - 1
        for (; at > 0 && y[to + count + at - 1]! > distance; at--) {
          y[to + at] = y[to + at - 1]!
          y[to + count + at] = y[to + count + at - 1]!
        }
        y[to + at] = i
        y[to + count + at] = distance
      }
      for (let i = to + count; i < to + 2 * count; i++) y[i] = root(y[i]!)
    }
  },
})

/** All within `radius` (of the compared distance), in the order of the training rows. */
export const within = rowwise<{ radius: number; power: number }>({
  name: 'within',
  infer: (_, width) => 2 * width,
  at({ radius, power }, width): RowKernel {
    const root = rootOf(power)
    return (x, from, y, to) => {
      y.fill(-1, to, to + width)
      y.fill(0, to + width, to + 2 * width)
      for (let i = 0, found = to; i < width; i++) {
        if (!(x[from + i]! <= radius)) continue
        y[found] = i
        y[width + found++] = root(x[from + i]!)
      }
    }
  },
})

/**
 * Distances as weights 1 / distance; where some are 0, those weigh 1 and all others 0.
 */
export const inverseDistances = rowwise<Record<string, never>>({
  name: 'inverse-distances',
  infer: (_, width) => 2 * halfOf('inverse-distances', width),
  at(_, width): RowKernel {
    const half = width / 2
    return (x, from, y, to) => {
      let exact = false
      for (let i = 0; i < half; i++) exact ||= x[from + i]! >= 0 && x[from + half + i] === 0
      for (let i = 0; i < half; i++) {
        const distance = x[from + half + i]!
        y[to + i] = x[from + i]!
        y[to + half + i] = exact ? Number(distance === 0) : 1 / distance
      }
    }
  },
})

type LabelAttrs = {
  /** Class index of every training row. */
  readonly labels: Int32Array
  readonly classes: number
  /** Neighbours count by their weight, else each counts 1. */
  readonly weighted: boolean
}

/** The weight of the neighbours of each class. */
export const neighbourLabels = rowwise<LabelAttrs>({
  name: 'neighbour-labels',
  infer({ labels, classes }, width) {
    halfOf('neighbour-labels', width)
    for (const label of labels)
      if (label < 0 || label >= classes)
        throw new RangeError(`neighbour-labels: class ${label} of ${classes}`)
    return classes
  },
  at({ labels, classes, weighted }, width): RowKernel {
    const half = width / 2
    return (x, from, y, to) => {
      y.fill(0, to, to + classes)
      for (let i = 0; i < half; i++) {
        const label = labels[x[from + i]!]
        if (label !== undefined) y[to + label]! += weighted ? x[from + half + i]! : 1
      }
    }
  },
})

type ValueAttrs = {
  /** training rows × outputs. */
  readonly values: Float64Array
  readonly outputs: number
  readonly weighted: boolean
}

/** Mean of the neighbours' values, by weight where told; NaN where there are no neighbours. */
export const neighbourMean = rowwise<ValueAttrs>({
  name: 'neighbour-mean',
  infer({ values, outputs }, width) {
    halfOf('neighbour-mean', width)
    if (outputs < 1 || values.length % outputs !== 0)
      throw new RangeError(`neighbour-mean: ${values.length} values of ${outputs} outputs`)
    return outputs
  },
  at({ values, outputs, weighted }, width): RowKernel {
    const half = width / 2
    const rows = values.length / outputs
    return (x, from, y, to) => {
      y.fill(0, to, to + outputs)
      let total = 0
      for (let i = 0; i < half; i++) {
        const row = x[from + i]!
        if (row < 0 || row >= rows) continue
        const weight = weighted ? x[from + half + i]! : 1
        total += weight
        for (let k = 0; k < outputs; k++) y[to + k]! += values[row * outputs + k]! * weight
      }
      for (let k = 0; k < outputs; k++) y[to + k]! /= total
    }
  },
})

/**
 * Weights of classes with one column more for rows that have none at all: 1 there, else 0.
 * @throws RowError for such a row when `refuse`
 */
export const outlierClass = rowwise<{ refuse: boolean }>({
  name: 'outlier-class',
  infer: (_, width) => width + 1,
  at:
    ({ refuse }, width): RowKernel =>
    (x, from, y, to) => {
      let empty = true
      for (let i = 0; i < width; i++) {
        y[to + i] = x[from + i]!
        if (x[from + i] !== 0) empty = false
      }
      if (empty && refuse) throw new RowError('has no neighbours within the radius')
      y[to + width] = Number(empty)
    },
})

type FactorAttrs = {
  /** Per training row: how far its own k-th neighbour is, and its local reachability density. */
  readonly reach: Float64Array
  readonly density: Float64Array
}

/** scikit-learn adds this to a mean distance before dividing by it. */
const TINY = 1e-10

/** Local outlier factor of a list of neighbours, negated: −mean density of the neighbours / own density. */
export const localOutlierFactor = rowwise<FactorAttrs>({
  name: 'local-outlier-factor',
  infer({ reach, density }, width) {
    halfOf('local-outlier-factor', width)
    if (reach.length !== density.length) throw new RangeError('local-outlier-factor: rows do not fit')
    return 1
  },
  at({ reach, density }, width): RowKernel {
    const half = width / 2
    return (x, from, y, to) => {
      let distance = 0
      for (let i = 0; i < half; i++)
        distance += Math.max(x[from + half + i]!, reach[x[from + i]!] ?? Number.NaN)
      const own = 1 / (distance / half + TINY)
      let ratio = 0
      for (let i = 0; i < half; i++) ratio += (density[x[from + i]!] ?? Number.NaN) / own
      y[to] = -(ratio / half)
    }
  },
})
