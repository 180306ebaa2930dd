/** Column of the term that equals text[start, end), or −1. */
export type ColumnOf = (text: string, start: number, end: number) => number

/**
 * Finds terms in a text without cutting them out of it: a hash table over the terms' UTF-16 units, which lie one behind
 * the other in one array.
 */
export function indexVocabulary(terms: readonly string[]): ColumnOf {
  const ends = new Int32Array(terms.length + 1)
  for (const [column, term] of terms.entries()) ends[column + 1] = ends[column]! + term.length
  const units = new Uint16Array(ends[terms.length]!)
  const slots = new Int32Array(slotsFor(terms.length)).fill(-1)
  const mask = slots.length - 1
  for (const [column, term] of terms.entries()) {
    for (let i = 0; i < term.length; i++) units[ends[column]! + i] = term.charCodeAt(i)
    let slot = hashOf(term, 0, term.length) & mask
    while (slots[slot] !== -1) slot = (slot + 1) & mask
    slots[slot] = column
  }
  return (text, start, end) => {
    const length = end - start
    for (let slot = hashOf(text, start, end) & mask; slots[slot] !== -1; slot = (slot + 1) & mask) {
      const column = slots[slot]!
      const first = ends[column]!
      if (ends[column + 1]! - first !== length) continue
      let same = 0
      while (same < length && units[first + same] === text.charCodeAt(start + same)) same++
      if (same === length) return column
    }
    return -1
  }
}

/** A power of two that leaves at least half of the slots free. */
const slotsFor = (terms: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, terms) * 2))

/** Multiplicative hash with its high bits mixed into the low ones. */
function hashOf(text: string, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++) hash = Math.imul(hash, 0x01000193) ^ text.charCodeAt(at)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
