/** Bytes of regions, by name. */
type Sizes<K extends string> = Readonly<Record<K, number>>

export const PAGE_BYTES = 2 ** 16
/** Largest memory that a kernel may be given, in pages. */
export const MAX_PAGES = 2 ** 16

/** Byte offsets of regions one after the other, each on a cache line, and the bytes of all. */
export function allocate<K extends string>(sizes: Sizes<K>): [Record<K, number>, number] {
  let end = 0
  const starts = Object.entries<number>(sizes).map(([name, bytes]) => {
    const start = end
    end += Math.ceil(bytes / 64) * 64
    return [name, start]
  })
  return [Object.fromEntries(starts) as Record<K, number>, end]
}

/** Regions that are written once, and behind them an area of every seat for its rows and results. */
export type Regions<C extends string, O extends string> = {
  readonly constants: Sizes<C>
  /** From the start of an area. */
  readonly own: Sizes<O>
  readonly ownStart: number
  readonly ownBytes: number
}

/** The regions, and the bytes of all. */
export function allocateSeats<C extends string, O extends string>(
  constants: Sizes<C>,
  own: Sizes<O>,
  seats: number,
): [Regions<C, O>, number] {
  const [constantsAt, ownStart] = allocate(constants)
  const [ownAt, ownBytes] = allocate(own)
  return [{ constants: constantsAt, own: ownAt, ownStart, ownBytes }, ownStart + seats * ownBytes]
}

/** Where the regions are for one seat. */
export function regionsAt<C extends string, O extends string>(
  { constants, own, ownStart, ownBytes }: Regions<C, O>,
  seat: number,
): Record<C | O, number> {
  const area = ownStart + seat * ownBytes
  const ownAt = Object.entries<number>(own).map(([name, at]) => [name, area + at])
  return { ...constants, ...(Object.fromEntries(ownAt) as Record<O, number>) }
}

/** A memory of whole pages; of several seats one that threads can share. Pages that are not written take no room. */
export function createMemory(bytes: number, seats: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  return new WebAssembly.Memory(
    seats === 1 ? { initial: pages } : { initial: pages, maximum: pages, shared: true },
  )
}
