const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
const scramble = (k: number): number => Math.imul(rotate(Math.imul(k, C1), 15), C2)

let buffer = new Uint8Array(256)
const encoder = new TextEncoder()

/**
 * MurmurHash3 (x86, 32 bits, seed 0) of a text in UTF-8, as a signed number.
 * @throws RangeError for half a surrogate pair, which has no UTF-8
 */
export function murmur(text: string): number {
  const length = encode(text)
  const whole = length & ~3
  let hash = 0
  for (let i = 0; i < whole; i += 4) {
    const k = buffer[i]! | (buffer[i + 1]! << 8) | (buffer[i + 2]! << 16) | (buffer[i + 3]! << 24)
    hash = (Math.imul(rotate(hash ^ scramble(k), 13), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let i = length - 1; i >= whole; i--) rest = (rest << 8) | buffer[i]!
  hash ^= length === whole ? 0 : scramble(rest)
  return mixed(hash ^ length)
}

function mixed(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) | 0
}

/** Bytes of a text into the buffer; how many. */
function encode(text: string): number {
  if (buffer.length < text.length * 3) buffer = new Uint8Array(text.length * 6)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) {
      if (!text.isWellFormed()) throw new RangeError('murmur: half a surrogate pair')
      return encoder.encodeInto(text, buffer).written
    }
    buffer[i] = code
  }
  return text.length
}

/** Column of a hash: |hash| mod width. |−2³¹| overflows in C; scikit-learn says what it is instead. */
export const hashColumn = (hash: number, width: number): number =>
  hash === -2147483648 ? (2147483647 - (width - 1)) % width : Math.abs(hash) % width
