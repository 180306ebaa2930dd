import { hash } from 'node:crypto'

/**
 * Where the answer to a key stands in a file of lines: a hash table of slots of 8 bytes, half of them free at least, that
 * is read in pieces and never whole.
 *   slot = 48 bits: 1 + offset of the line, 0 when free · 16 bits: print of the key, little-endian
 * A key's slot is the first from its own on that is free or has its line; the line itself tells keys of one print apart.
 */
export const SLOT_BYTES = 8
const OFFSET_BYTES = 6
export const MAGIC = Buffer.from('MWKEYS01')
/** Most keys of an index: its table is built in memory. */
export const MOST_KEYS = 10_000_000

export type Place = { readonly slot: number; readonly print: number }

export function placeOf(key: string, slots: number): Place {
  const digest = hash('sha256', key, 'buffer')
  return { slot: digest.readUIntLE(0, OFFSET_BYTES) % slots, print: digest.readUInt16LE(OFFSET_BYTES) }
}

/** Offset of the line that a slot points to; undefined when it is free. */
export function lineAt(slots: Buffer, slot: number): { offset: number; print: number } | undefined {
  const next = slots.readUIntLE(slot * SLOT_BYTES, OFFSET_BYTES)
  if (next === 0) return undefined
  return { offset: next - 1, print: slots.readUInt16LE(slot * SLOT_BYTES + OFFSET_BYTES) }
}

export function writeSlot(slots: Buffer, slot: number, line: { offset: number; print: number }): void {
  slots.writeUIntLE(line.offset + 1, slot * SLOT_BYTES, OFFSET_BYTES)
  slots.writeUInt16LE(line.print, slot * SLOT_BYTES + OFFSET_BYTES)
}

/** A power of two, so that hashes spread evenly. */
export const slotsFor = (keys: number): number => 2 ** Math.ceil(Math.log2(Math.max(8, 2 * keys)))
