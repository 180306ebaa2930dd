import { adler32, crc32 } from '../bytes/checksums.ts'
import { Output } from '../bytes/output.ts'
import { brokenStream, followedStream } from './platform.ts'

/**
 * DEFLATE and its two wrappers, RFC 1950 to 1952, in plain TypeScript: a synchronous inflater that every JavaScript
 * engine runs. Output grows up to a cap, so that a bomb costs no more than that.
 */

const MAX_BITS = 15
const END_OF_BLOCK = 256
/** Bytes that may be looked at behind the end before that is found out. */
const SLACK_BYTES = 4

/** Smallest length or distance of each code, and the bits that are added to it. */
const LENGTHS = codeRanges(3, [8, 4, 4, 4, 4, 5])
LENGTHS.base[28] = 258
LENGTHS.extra[28] = 0
const DISTANCES = codeRanges(1, [4, ...new Array<number>(13).fill(2)])
/** The order in which the lengths of the codes of code lengths are written. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

type Ranges = { readonly base: Uint16Array; readonly extra: Uint8Array }

/** `runs[i]` codes take `i` extra bits each. */
function codeRanges(first: number, runs: readonly number[]): Ranges {
  const extra = Uint8Array.from(runs.flatMap((count, bits) => new Array<number>(count).fill(bits)))
  const base = new Uint16Array(extra.length)
  for (let code = 0, next = first; code < extra.length; code++) {
    base[code] = next
    next += 1 << extra[code]!
  }
  return { base, extra }
}

/** A prefix code: what the next `bits` bits, first bit lowest, stand for, as symbol << 4 | length; 0 for nothing. */
type Code = { readonly table: Uint16Array; readonly mask: number }

/** @throws ModelError corrupt when more codes are asked for than there are */
function buildCode(lengths: Uint8Array): Code {
  const counts = new Uint16Array(MAX_BITS + 1)
  for (const length of lengths) counts[length]!++
  counts[0] = 0
  const next = new Uint16Array(MAX_BITS + 2)
  let bits = 1
  for (let length = 1, code = 0; length <= MAX_BITS; length++) {
    code = (code + counts[length - 1]!) << 1
    next[length] = code
    if (counts[length]! > 0) bits = length
    if (code + counts[length]! > 1 << length) throw brokenStream()
  }
  const table = new Uint16Array(1 << bits)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length === 0) continue
    const entry = (symbol << 4) | length
    const step = 1 << length
    for (let at = reversed(next[length]!++, length); at < table.length; at += step) table[at] = entry
  }
  return { table, mask: table.length - 1 }
}

function reversed(code: number, length: number): number {
  let result = 0
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i)
  return result
}

const fixed = (): { literals: Code; distances: Code } => {
  const lengths = new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280)
  return { literals: buildCode(lengths), distances: buildCode(new Uint8Array(30).fill(5)) }
}

/** Bits of a file, lowest first. */
class Bits {
  readonly bytes: Uint8Array
  at: number
  hold = 0
  count = 0

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  /** At most 16. Past the end there are zeros, which are found out when the stream ends. */
  take(count: number): number {
    this.fill()
    const value = this.hold & ((1 << count) - 1)
    this.drop(count)
    return value
  }

  fill(): void {
    while (this.count <= 16) {
      this.hold |= (this.bytes[this.at++] ?? 0) << this.count
      this.count += 8
    }
  }

  drop(count: number): void {
    this.hold >>>= count
    this.count -= count
  }

  symbol({ table, mask }: Code): number {
    this.fill()
    const entry = table[this.hold & mask]!
    if (entry === 0) throw brokenStream()
    this.drop(entry & 15)
    return entry >> 4
  }

  /** The number that a code of a range and its extra bits stand for. */
  ranged({ base, extra }: Ranges, code: number): number {
    if (code >= base.length) throw brokenStream()
    return base[code]! + this.take(extra[code]!)
  }

  /** Gives back whole bytes that were looked at and answers where the next one is. @throws ModelError past the end */
  alignToByte(): number {
    this.at -= this.count >> 3
    this.hold = 0
    this.count = 0
    if (this.at > this.bytes.length) throw brokenStream()
    return this.at
  }
}

/**
 * One raw DEFLATE stream that starts at `start`.
 * @returns where it ends
 * @throws ModelError corrupt | limit
 */
function inflateInto(output: Output, bytes: Uint8Array, start: number): number {
  const bits = new Bits(bytes, start)
  for (let last = 0; last === 0; ) {
    last = bits.take(1)
    const type = bits.take(2)
    if (type === 0) copyStored(output, bits)
    else if (type === 1) {
      const { literals, distances } = fixed()
      inflateBlock(output, bits, literals, distances)
    } else if (type === 2) {
      const { literals, distances } = readCodes(bits)
      inflateBlock(output, bits, literals, distances)
    } else throw brokenStream()
    if (bits.at - (bits.count >> 3) > bytes.length) throw brokenStream()
  }
  return bits.alignToByte()
}

function copyStored(output: Output, bits: Bits): void {
  const at = bits.alignToByte()
  const { bytes } = bits
  if (at + 4 > bytes.length) throw brokenStream()
  const length = bytes[at]! | (bytes[at + 1]! << 8)
  const complement = bytes[at + 2]! | (bytes[at + 3]! << 8)
  bits.at = at + 4 + length
  if ((length ^ complement) !== 0xffff || bits.at > bytes.length) throw brokenStream()
  output.append(bytes.subarray(at + 4, bits.at))
}

function readCodes(bits: Bits): { literals: Code; distances: Code } {
  const literalCount = bits.take(5) + 257
  const distanceCount = bits.take(5) + 1
  const orderCount = bits.take(4) + 4
  if (literalCount > 286 || distanceCount > 30) throw brokenStream()
  const short = new Uint8Array(19)
  for (const symbol of CODE_LENGTH_ORDER.slice(0, orderCount)) short[symbol] = bits.take(3)
  const lengths = readLengths(bits, buildCode(short), literalCount + distanceCount)
  if (lengths[END_OF_BLOCK] === 0) throw brokenStream()
  return {
    literals: buildCode(lengths.subarray(0, literalCount)),
    distances: buildCode(lengths.subarray(literalCount)),
  }
}

/** Code lengths, themselves coded: 16 repeats the last one, 17 and 18 are runs of zeros. */
function readLengths(bits: Bits, code: Code, count: number): Uint8Array {
  const lengths = new Uint8Array(count)
  for (let at = 0; at < count; ) {
    const symbol = bits.symbol(code)
    if (symbol < 16) {
      lengths[at++] = symbol
      continue
    }
    if (symbol === 16 && at === 0) throw brokenStream()
    const value = symbol === 16 ? lengths[at - 1]! : 0
    const run = symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7)
    if (at + run > count) throw brokenStream()
    lengths.fill(value, at, at + run)
    at += run
  }
  return lengths
}

function inflateBlock(output: Output, bits: Bits, literals: Code, distances: Code): void {
  const end = bits.bytes.length + SLACK_BYTES
  for (;;) {
    if (bits.at > end) throw brokenStream()
    const symbol = bits.symbol(literals)
    if (symbol === END_OF_BLOCK) return
    if (symbol < END_OF_BLOCK) {
      output.push(symbol)
      continue
    }
    const length = bits.ranged(LENGTHS, symbol - END_OF_BLOCK - 1)
    output.repeat(bits.ranged(DISTANCES, bits.symbol(distances)), length)
  }
}

const ZLIB_DEFLATE = 8

/** A zlib stream that is the whole of `bytes`. @throws ModelError corrupt | limit */
export function decodeZlib(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const [method = 0, flags = 0] = bytes
  if ((method & 15) !== ZLIB_DEFLATE || ((method << 8) | flags) % 31 !== 0 || (flags & 32) !== 0)
    throw brokenStream()
  const output = new Output(maxBytes, bytes.length * 4)
  const end = inflateInto(output, bytes, 2)
  if (viewOf(bytes, end, 4).getUint32(0) !== adler32(output.since(0))) throw brokenStream()
  if (end + 4 < bytes.length) throw followedStream()
  return output.since(0)
}

/** Flags of a gzip member that say what its header has. */
const GZIP = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const
const GZIP_HEADER_BYTES = 10

/** One or more gzip members that are the whole of `bytes`. @throws ModelError corrupt | limit */
export function decodeGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Output(maxBytes, bytes.length * 4)
  let at = 0
  do {
    if (at > 0 && (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b)) throw followedStream()
    const start = output.length
    const end = inflateInto(output, bytes, skipHeader(bytes, at))
    const trailer = viewOf(bytes, end, 8)
    const content = output.since(start)
    if (trailer.getUint32(0, true) !== crc32(content)) throw brokenStream()
    if (trailer.getUint32(4, true) !== content.length % 2 ** 32) throw brokenStream()
    at = end + 8
  } while (at < bytes.length)
  return output.since(0)
}

/** Where the stream of a gzip member that begins at `start` begins. */
function skipHeader(bytes: Uint8Array, start: number): number {
  const header = viewOf(bytes, start, GZIP_HEADER_BYTES)
  const flags = header.getUint8(3)
  if (header.getUint16(0) !== 0x1f8b || header.getUint8(2) !== ZLIB_DEFLATE || flags & GZIP.reserved)
    throw brokenStream()
  let at = start + GZIP_HEADER_BYTES
  if (flags & GZIP.extra) at += 2 + viewOf(bytes, at, 2).getUint16(0, true)
  if (flags & GZIP.name) at = endOfText(bytes, at)
  if (flags & GZIP.comment) at = endOfText(bytes, at)
  if ((flags & GZIP.headerCrc) === 0) return at
  const expected = viewOf(bytes, at, 2).getUint16(0, true)
  if ((crc32(bytes.subarray(start, at)) & 0xffff) !== expected) throw brokenStream()
  return at + 2
}

function endOfText(bytes: Uint8Array, start: number): number {
  const end = bytes.indexOf(0, start)
  if (end < 0) throw brokenStream()
  return end + 1
}

/** @throws ModelError corrupt when there are not so many bytes */
function viewOf(bytes: Uint8Array, start: number, count: number): DataView {
  if (start + count > bytes.length) throw brokenStream()
  return new DataView(bytes.buffer, bytes.byteOffset + start, count)
}

/** A raw DEFLATE stream that is the whole of `bytes`. @throws ModelError corrupt | limit */
export function inflateRaw(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Output(maxBytes, bytes.length * 4)
  if (inflateInto(output, bytes, 0) < bytes.length) throw followedStream()
  return output.since(0)
}
