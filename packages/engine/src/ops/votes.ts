import { elementwise } from './elementwise.ts'
import { defineOp, expectNumbers, numbers } from './op.ts'

type MajorityAttrs = {
  readonly classes: number
  /** One per input, or none where every vote counts 1. */
  readonly weights: Float64Array
}

/**
 * The class with the most votes, every input being one class index. Ties go to the first class, as
 * numpy.argmax(numpy.bincount(votes, weights)).
 */
export const majority = defineOp<MajorityAttrs>({
  name: 'majority',
  infer({ classes, weights }, inputs) {
    for (const input of inputs) expectNumbers('majority', input, 1)
    if (inputs.length === 0 || classes < 1) throw new RangeError('majority: nobody votes')
    if (weights.length > 0 && weights.length !== inputs.length)
      throw new RangeError(`majority: ${weights.length} weights for ${inputs.length} votes`)
    return numbers(1)
  },
  ref({ classes, weights }, inputs) {
    const counts = new Array<number>(classes).fill(0)
    inputs.forEach(([vote], i) => {
      counts[vote as number]! += weights[i] ?? 1
    })
    return [counts.indexOf(Math.max(...counts))]
  },
  block({ classes, weights }) {
    const counts = new Float64Array(classes)
    return (blocks, out, rows) => {
      for (let r = 0; r < rows; r++) {
        counts.fill(0)
        for (let i = 0; i < blocks.length; i++) counts[blocks[i]!.numbers[r]!]! += weights[i] ?? 1
        let best = 0
        for (let k = 1; k < classes; k++) if (counts[k]! > counts[best]!) best = k
        out.numbers[r] = best
      }
    }
  },
})

/** values[index] of every index in the row: what a label stands for where it goes on as a number */
export const pick = elementwise<{ values: Float64Array }>({
  name: 'pick',
  validate({ values }) {
    if (values.length === 0) throw new RangeError('pick: nothing to pick from')
  },
  at:
    ({ values }) =>
    (index) =>
      values[index]!,
})

/** (min(max(x, −1), 1) + 1) / 2: a margin as the probability that the modified Huber loss stands for */
export const clippedMargin = elementwise<Record<string, never>>({
  name: 'clipped-margin',
  validate() {},
  at: () => (margin) => (Math.min(Math.max(margin, -1), 1) + 1) / 2,
})

/** Probabilities that rounding or a calibrator pushed above 1, by up to 1e-5, as 1 */
export const capAtOne = elementwise<Record<string, never>>({
  name: 'cap-at-one',
  validate() {},
  at: () => (share) => (share > 1 && share <= 1 + 1e-5 ? 1 : share),
})

/** output[targets[i]] = input[i], 0 where no input lands: shares of some classes among all of them */
export const scatter = defineOp<{ targets: Int32Array; width: number }>({
  name: 'scatter',
  infer({ targets, width }, [x]) {
    expectNumbers('scatter', x, targets.length)
    for (const target of targets)
      if (target < 0 || target >= width) throw new RangeError(`scatter: column ${target} of ${width}`)
    return numbers(width)
  },
  ref({ targets, width }, [x]) {
    const row = new Array<number>(width).fill(0)
    targets.forEach((target, i) => {
      row[target] = x![i] as number
    })
    return row
  },
  block({ targets, width }) {
    return ([from], out, rows) => {
      out.numbers.fill(0, 0, rows * width)
      for (let r = 0, at = 0; r < rows; r++)
        for (let i = 0; i < targets.length; i++) out.numbers[r * width + targets[i]!] = from!.numbers[at++]!
    }
  },
})
