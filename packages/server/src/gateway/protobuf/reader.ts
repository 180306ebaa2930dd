import { isUtf8 } from 'node:buffer'

/** How a value is laid out: a varint, 8 bytes, bytes after their length, 4 bytes. */
export type Wire = 0 | 1 | 2 | 5

/** Messages and byte strings that one message may hold: each costs more memory than it has bytes. */
const PARTS = 65_536

/** Reading byte by byte is quicker than asking for a piece up to here. */
const SHORT_BYTES = 24

/** Reads the protocol buffer encoding. @throws RangeError that says at which byte it ends or goes wrong */
export class Reader {
  at = 0
  /** End of the message that is being read; messages inside it end before. */
  end: number
  readonly #bytes: Buffer
  #parts = PARTS
  #low = 0
  #high = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.end = bytes.length
  }

  bool(): boolean {
    this.#varint()
    return (this.#low | this.#high) !== 0
  }

  int32(): number {
    this.#varint()
    return this.#low | 0
  }

  uint32(): number {
    this.#varint()
    return this.#low >>> 0
  }

  /** Rounded to the nearest double. */
  int64(): number {
    this.#varint()
    return (this.#high | 0) * 2 ** 32 + (this.#low >>> 0)
  }

  uint64(): number {
    this.#varint()
    return (this.#high >>> 0) * 2 ** 32 + (this.#low >>> 0)
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4))
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.#take(8))
  }

  fixed64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  string(): string {
    const end = this.endOfDelimited()
    const text = end - this.at <= SHORT_BYTES ? this.#ascii(end) : undefined
    if (text !== undefined) {
      this.at = end
      return text
    }
    const bytes = this.#bytes.subarray(this.at, end)
    if (!isUtf8(bytes)) throw new RangeError(`byte ${this.at}: a string that is not UTF-8`)
    this.at = end
    return bytes.toString('utf8')
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    this.part()
    return this.#delimited()
  }

  /** Where what starts here with its length ends. */
  endOfDelimited(): number {
    const size = this.uint32()
    const end = this.at + size
    if (end > this.end) throw new RangeError(`byte ${this.at}: ${size} bytes announced, ${this.left} left`)
    return end
  }

  /** Counts something that costs memory of its own. */
  part(): void {
    this.#parts -= 1
    if (this.#parts < 0)
      throw new RangeError(`byte ${this.at}: more than ${PARTS} messages and byte strings inside one another`)
  }

  skip(wire: number): void {
    if (wire === 0) this.#varint()
    else if (wire === 1) this.#take(8)
    else if (wire === 5) this.#take(4)
    else if (wire === 2) this.at = this.endOfDelimited()
    else throw new RangeError(`byte ${this.at}: wire type ${wire} is not one of protocol buffers 3`)
  }

  get left(): number {
    return this.end - this.at
  }

  /** A short text; undefined when it is more than ASCII. */
  #ascii(end: number): string | undefined {
    let text = ''
    for (let at = this.at; at < end; at++) {
      const byte = this.#bytes[at]!
      if (byte > 127) return undefined
      text += String.fromCharCode(byte)
    }
    return text
  }

  #delimited(): Buffer {
    const end = this.endOfDelimited()
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    return bytes
  }

  #take(size: number): number {
    const start = this.at
    if (start + size > this.end)
      throw new RangeError(`byte ${start}: ${size} bytes expected, ${this.left} left`)
    this.at = start + size
    return start
  }

  /** Base 128, least significant first; kept in two halves, as a double has not 64 bits of integer. */
  #varint(): void {
    this.#high = 0
    if (this.at < this.end) {
      this.#low = this.#bytes[this.at]!
      if (this.#low < 128) {
        this.at += 1
        return
      }
    }
    this.#low = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#take(1)]!
      const bits = byte & 127
      if (shift < 32) this.#low |= bits << shift
      if (shift > 21) this.#high |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32)
      if (byte < 128) return
    }
    throw new RangeError(`byte ${this.at}: an integer longer than 10 bytes`)
  }
}
