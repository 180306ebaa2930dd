/** Up to so many keys are inserted one by one. */
const FEW = 32
const DIGIT_BITS = 8
const DIGITS = 2 ** DIGIT_BITS

const places = new Int32Array(DIGITS)

/**
 * Sorts the first `count` keys, which are not negative and below 2 to the power of `bits`: few by insertion, many digit by
 * digit from the lowest.
 * @param spare of the keys' length, written over
 * @returns the one of the two arrays that holds the sorted keys
 */
export function sortKeys(keys: Int32Array, spare: Int32Array, count: number, bits: number): Int32Array {
  if (count <= FEW) return insertionSort(keys, count)
  let [from, to] = [keys, spare]
  for (let shift = 0; shift < bits; shift += DIGIT_BITS) {
    moveByDigit(from, to, count, shift)
    ;[from, to] = [to, from]
  }
  return from
}

function insertionSort(keys: Int32Array, count: number): Int32Array {
  for (let i = 1; i < count; i++) {
    const key = keys[i]!
    let at = i
    for (; at > 0 && keys[at - 1]! > key; at--) keys[at] = keys[at - 1]!
    keys[at] = key
  }
  return keys
}

/** Keys of the same digit stay in order. */
function moveByDigit(from: Int32Array, to: Int32Array, count: number, shift: number): void {
  places.fill(0)
  for (let i = 0; i < count; i++) places[(from[i]! >> shift) & (DIGITS - 1)]!++
  for (let digit = 0, place = 0; digit < DIGITS; digit++) {
    const own = places[digit]!
    places[digit] = place
    place += own
  }
  for (let i = 0; i < count; i++) {
    const key = from[i]!
    to[places[(key >> shift) & (DIGITS - 1)]!++] = key
  }
}
