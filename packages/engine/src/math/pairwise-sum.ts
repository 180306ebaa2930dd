/** numpy's summation block: longer runs are halved. */
const BLOCK = 128

/**
 * Σ values[from … from + count), added in the order of `numpy.add.reduce` over a contiguous axis: left to right below
 * 8 elements, eight interleaved accumulators up to 128, halves (of a multiple of 8) beyond.
 */
export function pairwiseSum(values: ArrayLike<number>, from: number, count: number): number {
  if (count > BLOCK) {
    const half = Math.floor(count / 16) * 8
    return pairwiseSum(values, from, half) + pairwiseSum(values, from + half, count - half)
  }
  const lanes = count - (count % 8)
  let sum = lanes === 0 ? 0 : sumOfLanes(values, from, lanes)
  for (let i = from + lanes; i < from + count; i++) sum += values[i]!
  return sum
}

/** Eight strided sums, then added as a balanced tree. */
function sumOfLanes(values: ArrayLike<number>, from: number, count: number): number {
  const lane = (k: number): number => {
    let sum = values[from + k]!
    for (let i = k + 8; i < count; i += 8) sum += values[from + i]!
    return sum
  }
  return lane(0) + lane(1) + (lane(2) + lane(3)) + (lane(4) + lane(5) + (lane(6) + lane(7)))
}
