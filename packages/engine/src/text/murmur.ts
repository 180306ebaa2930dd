import { RowError } from '../errors.ts'
import { Codes } from './spans.ts'

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))
const scramble = (k: number): number => Math.imul(rotate(Math.imul(k, C1), 15), C2)

const own = new Codes()
const bytes = new Codes()

/** `murmurOf` all of a text. @throws RowError for half a surrogate pair, which has no UTF-8 */
export function murmur(text: string): number {
  own.begin(text.length)
  own.appendText(text, 0, text.length)
  return murmurOf(own, 0, own.length)
}

/**
 * MurmurHash3 (x86, 32 bits, seed 0) of the code points from `start` to `end` in UTF-8, as a signed number.
 * @throws RowError for half a surrogate pair, which has no UTF-8
 */
export function murmurOf({ points }: Codes, start: number, end: number): number {
  let all = 0
  for (let at = start; at < end; at++) all |= points[at]!
  if (all < 0x80) return hashBytes(points, start, end)
  encode(points, start, end)
  return hashBytes(bytes.points, 0, bytes.length)
}

function hashBytes(from: Int32Array, start: number, end: number): number {
  const whole = end - ((end - start) & 3)
  let hash = 0
  for (let i = start; i < whole; i += 4) {
    const k = from[i]! | (from[i + 1]! << 8) | (from[i + 2]! << 16) | (from[i + 3]! << 24)
    hash = (Math.imul(rotate(hash ^ scramble(k), 13), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let i = end - 1; i >= whole; i--) rest = (rest << 8) | from[i]!
  // Of no bytes it is 0.
  return mixed(hash ^ scramble(rest) ^ (end - start))
}

function mixed(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) | 0
}

/** Writes the UTF-8 of code points to `bytes`, a byte each. */
function encode(points: Int32Array, start: number, end: number): void {
  bytes.begin((end - start) * 4)
  for (let at = start; at < end; at++) {
    const point = points[at]!
    if (point < 0x80) bytes.push(point)
    else encodeWide(point)
  }
}

function encodeWide(point: number): void {
  if (point >= 0xd800 && point < 0xe000)
    throw new RowError('holds half a surrogate pair, which is no character', 0)
  const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
  bytes.push(((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more)))
  for (let i = more - 1; i >= 0; i--) bytes.push(0x80 | ((point >> (6 * i)) & 0x3f))
}

/** Column of a hash: |hash| mod width. |−2³¹| overflows in C; scikit-learn says what it is instead. */
export const hashColumn = (hash: number, width: number): number =>
  hash === -2147483648 ? (2147483647 - (width - 1)) % width : Math.abs(hash) % width
