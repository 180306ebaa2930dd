import { defineOp, expectNumbers, numbers } from './op.ts'

type LinearLeavesAttrs = {
  /** Per leaf of all trees: constant and value; its terms are from starts[leaf] to starts[leaf + 1]. */
  readonly constants: Float64Array
  readonly values: Float64Array
  readonly starts: Int32Array
  readonly features: Int32Array
  readonly coefficients: Float64Array
  /** Per tree: result column. */
  readonly slots: Int32Array
  readonly width: number
}

/**
 * Σ over trees of a linear function of the row in the leaf it falls into. Inputs: the row, and its leaf in every tree.
 *   constant + Σ coefficient · x[feature], left to right; the leaf's value where one of the features is NaN
 */
export const linearLeaves = defineOp<LinearLeavesAttrs>({
  name: 'linear-leaves',
  infer(attrs, [x, leaves]) {
    const { width } = expectNumbers('linear-leaves', x)
    expectNumbers('linear-leaves', leaves, attrs.slots.length)
    const { constants, values, starts, features, coefficients, slots } = attrs
    if (values.length !== constants.length || starts.length !== constants.length + 1 || starts[0] !== 0)
      throw new RangeError('linear-leaves: leaves differ in length')
    if (starts.at(-1) !== features.length || features.length !== coefficients.length)
      throw new RangeError('linear-leaves: terms differ in length')
    if (starts.some((start, i) => i > 0 && start < starts[i - 1]!))
      throw new RangeError('linear-leaves: a leaf ends before it starts')
    if (features.some((feature) => !(feature >= 0 && feature < width)))
      throw new RangeError(`linear-leaves: reads a column outside of ${width}`)
    if (slots.some((slot) => !(slot >= 0 && slot < attrs.width)))
      throw new RangeError('linear-leaves: a slot is outside the result')
    return numbers(attrs.width)
  },
  ref(attrs, [x, leaves]) {
    const sums = new Array<number>(attrs.width).fill(0)
    leaves!.forEach((leaf, tree) => {
      sums[attrs.slots[tree]!]! += leafValue(attrs, leaf as number, x as readonly number[])
    })
    return sums
  },
})

function leafValue(attrs: LinearLeavesAttrs, leaf: number, x: readonly number[]): number {
  let sum = attrs.constants[leaf]!
  for (let i = attrs.starts[leaf]!; i < attrs.starts[leaf + 1]!; i++) {
    const value = x[attrs.features[i]!]!
    if (Number.isNaN(value)) return attrs.values[leaf]!
    sum += attrs.coefficients[i]! * value
  }
  return sum
}
