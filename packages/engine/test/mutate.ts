import { decompress } from '../src/bytes/decompress.ts'
import type { Limits } from '../src/bytes/limits.ts'

export type Random = (below: number) => number

/** Mulberry32: the same bytes are broken in every run. */
export function createRandom(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** What is inside a compressed file, where breaking the outside only breaks a checksum. */
export function openUp(packed: Uint8Array, limits: Limits): Uint8Array | undefined {
  try {
    const { content, compression } = decompress(packed, limits)
    return compression === 'none' ? undefined : content
  } catch {
    return undefined
  }
}

/** Eight bytes that counts, offsets and thresholds do not expect: −1, 2⁶³−1, NaN, ∞, 1e308, 0, 2³¹. */
const HOSTILE = [
  'ffffffffffffffff',
  'ffffffffffffff7f',
  '000000000000f87f',
  '000000000000f07f',
  'a0c8eb85f3cce17f',
  '0000000000000000',
  '0000008000000000',
].map((hex) => Buffer.from(hex, 'hex'))

type Change = (bytes: Uint8Array, at: { from: number; to: number }, random: Random) => Uint8Array

const CHANGES: readonly Change[] = [
  (bytes, { from }) => bytes.slice(0, from),
  (bytes, { from, to }) => Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
  (bytes, { from, to }) => Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]),
  (bytes, { from, to }, random) => {
    const moved = bytes.slice()
    moved.copyWithin(random(bytes.length), from, to)
    return moved
  },
  (bytes, { from }, random) => {
    const changed = bytes.slice()
    changed.set(HOSTILE[random(HOSTILE.length)]!.subarray(0, Math.min(8, bytes.length - from)), from)
    return changed
  },
  changeBytes,
  changeBytes,
  changeBytes,
]

function changeBytes(bytes: Uint8Array, _: unknown, random: Random): Uint8Array {
  const changed = bytes.slice()
  for (let i = 0; i <= random(4); i++) changed[random(changed.length)] = random(256)
  return changed
}

/** The end cut off, a piece cut out, repeated or copied elsewhere, eight hostile bytes, or one to four bytes changed. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random(bytes.length)
  const to = from + random(Math.min(64, bytes.length - from))
  return CHANGES[random(CHANGES.length)]!(bytes, { from, to }, random)
}
