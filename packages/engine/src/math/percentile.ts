/** numpy.percentile, linear: the value a share of the way through the sorted numbers, between neighbours in proportion. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const position = (sorted.length - 1) * (percent / 100)
  const below = Math.floor(position)
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!]
  const share = position - below
  const difference = high - low
  return share >= 0.5 ? high - difference * (1 - share) : low + difference * share
}
