/** The rows of a table, each kept once, and which of them every row is. Numbers are the same when their bits are. */
export function distinctRows(table: Float64Array, width: number): { rows: Float64Array; places: Int32Array } {
  const words = new Int32Array(table.buffer, table.byteOffset, table.length * 2)
  const stride = width * 2
  const count = table.length / width
  const places = new Int32Array(count)
  /** By hash, 1 + the first row that has it or was pushed there by another. */
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 1)))
  const kept: number[] = []
  const isSame = (one: number, other: number): boolean => {
    for (let i = 0; i < stride; i++) if (words[one * stride + i] !== words[other * stride + i]) return false
    return true
  }
  for (let row = 0; row < count; row++) {
    let slot = hashOf(words, row * stride, stride) & (slots.length - 1)
    while (slots[slot]! > 0 && !isSame(kept[slots[slot]! - 1]!, row)) slot = (slot + 1) & (slots.length - 1)
    if (slots[slot] === 0) slots[slot] = kept.push(row)
    places[row] = slots[slot]! - 1
  }
  const rows = new Float64Array(kept.length * width)
  kept.forEach((row, i) => {
    rows.set(table.subarray(row * width, (row + 1) * width), i * width)
  })
  return { rows, places }
}

function hashOf(words: Int32Array, start: number, length: number): number {
  let hash = 0
  for (let i = start; i < start + length; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}
