/** Mulberry32: the same bytes are broken in every run. */
export function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** One to four bytes changed, or a piece cut out, repeated or the end cut off. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const from = random(bytes.length)
  const to = from + random(Math.min(64, bytes.length - from))
  const piece = bytes.subarray(from, to)
  switch (random(5)) {
    case 0:
      return bytes.slice(0, from)
    case 1:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
    case 2:
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)])
    default: {
      const changed = bytes.slice()
      for (let i = 0; i <= random(4); i++) changed[random(changed.length)] = random(256)
      return changed
    }
  }
}
