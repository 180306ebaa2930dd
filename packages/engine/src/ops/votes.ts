import { defineOp, expectNumbers, numbers } from './op.ts'

/**
 * The class with the most votes: every input is one class index, its vote counts `weights[input]` (1 each when there
 * are none). Ties go to the first class, as numpy.argmax(numpy.bincount(votes, weights)).
 */
export const majority = defineOp<{ classes: number; weights: Float64Array }>({
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
})

/** values[index] of a row of indices: what a label stands for where it goes on as a number */
export const pick = defineOp<{ values: Float64Array }>({
  name: 'pick',
  infer({ values }, [x]) {
    if (values.length === 0) throw new RangeError('pick: nothing to pick from')
    return numbers(expectNumbers('pick', x).width)
  },
  ref({ values }, [x]) {
    return x!.map((index) => values[index as number]!)
  },
})

/** (min(max(x, −1), 1) + 1) / 2: a margin as the probability that the modified Huber loss stands for */
export const clippedMargin = defineOp<Record<string, never>>({
  name: 'clipped-margin',
  infer(_, [x]) {
    return numbers(expectNumbers('clipped-margin', x).width)
  },
  ref(_, [x]) {
    return (x as readonly number[]).map((margin) => (Math.min(Math.max(margin, -1), 1) + 1) / 2)
  },
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
})

/** Probabilities that rounding or a calibrator pushed above 1, by up to 1e-5, as 1 */
export const capAtOne = defineOp<Record<string, never>>({
  name: 'cap-at-one',
  infer(_, [x]) {
    return numbers(expectNumbers('cap-at-one', x).width)
  },
  ref(_, [x]) {
    return (x as readonly number[]).map((share) => (share > 1 && share <= 1 + 1e-5 ? 1 : share))
  },
})
