export const PAGE_BYTES = 2 ** 16

/** Byte offsets of regions one after the other, each on a cache line, and the bytes of all. */
export function allocate<K extends string>(sizes: Record<K, number>): [Record<K, number>, number] {
  let end = 0
  const starts = Object.entries<number>(sizes).map(([name, bytes]) => {
    const start = end
    end += Math.ceil(bytes / 64) * 64
    return [name, start]
  })
  return [Object.fromEntries(starts) as Record<K, number>, end]
}
