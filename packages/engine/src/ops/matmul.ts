import { denseBlock } from '../exec/dense.ts'
import type { Place } from '../exec/place.ts'
import { type BlockKernel, defineOp, expectNumbers, numbers } from './op.ts'

type LinearAttrs = {
  /** outputs × columns, row-major. */
  weights: Float64Array
  /** One per output. */
  bias: Float64Array
  /** Products and sums are rounded to float32, as where both the rows and the coefficients are float32. */
  single: boolean
}

/**
 * yⱼ = (Σᵢ xᵢ · weights[j][i]) + biasⱼ, summed left to right. Linear algebra libraries sum in blocks that depend on the
 * machine, so the last bits differ from theirs; a fixed order is one that can be reproduced.
 */
export const linear = defineOp<LinearAttrs>({
  name: 'linear',
  infer({ weights, bias, single }, [x]) {
    const { width } = expectNumbers('linear', x)
    if (weights.length !== bias.length * width)
      throw new RangeError(
        `linear: ${weights.length} weights for ${width} columns and ${bias.length} outputs`,
      )
    return numbers(bias.length, single ? 'f32' : 'f64')
  },
  ref({ weights, bias, single }, [x]) {
    const round = single ? Math.fround : (value: number) => value
    const row = x as readonly number[]
    return Array.from(bias, (shift, j) => {
      const products = row.map((value, i) => round(value * weights[j * row.length + i]!))
      return round(products.reduce((sum, product) => round(sum + product), 0) + shift)
    })
  },
  block(attrs, [x], place) {
    if (attrs.single) return singleBlock(attrs, x!.width)
    const isWide = attrs.bias.length >= KERNEL_OUTPUTS && x!.width > 0
    return (isWide ? wideBlock : doubleBlock)(attrs, x!.width, place)
  },
})

/** From this many outputs on the kernel pays, which computes eight at a time. */
const KERNEL_OUTPUTS = 3

function wideBlock({ weights, bias }: LinearAttrs, width: number, place: Place): BlockKernel {
  const products = denseBlock('product', { points: weights, columns: width }, place)
  return ([from], out, rows) => {
    const y = out.numbers
    products(from!.numbers, rows, (row, sums, start) => {
      for (let j = 0, at = row * bias.length; j < bias.length; j++) y[at + j] = sums[start + j]! + bias[j]!
    })
  }
}

const doubleBlock =
  ({ weights, bias }: LinearAttrs, width: number): BlockKernel =>
  ([from], out, rows) => {
    const x = from!.numbers
    const y = out.numbers
    for (let row = 0, at = 0; row < rows; row++)
      for (let j = 0, w = 0; j < bias.length; j++) {
        let sum = 0
        for (let i = 0; i < width; i++) sum += x[row * width + i]! * weights[w++]!
        y[at++] = sum + bias[j]!
      }
  }

const singleBlock =
  ({ weights, bias }: LinearAttrs, width: number): BlockKernel =>
  ([from], out, rows) => {
    const round = Math.fround
    const x = from!.numbers
    const y = out.numbers
    for (let row = 0, at = 0; row < rows; row++)
      for (let j = 0, w = 0; j < bias.length; j++) {
        let sum = 0
        for (let i = 0; i < width; i++) sum = round(sum + round(x[row * width + i]! * weights[w++]!))
        y[at++] = round(sum + bias[j]!)
      }
  }
