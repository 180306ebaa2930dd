const FIRST_BYTES = 4096
/** Writing character by character is quicker than asking for a piece up to here; lengths up to here are one byte. */
const SHORT_CHARACTERS = 24
/** A longer buffer is not kept for the next message. */
const KEPT_BYTES = 1 << 20

/** Writes the protocol buffer encoding. One at a time: all writers share a buffer. */
export class Writer {
  static #shared: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #bytes = Writer.#shared
  #at = 0

  /** What was written; the writer is of no use afterwards. */
  finish(): Buffer {
    if (this.#bytes.length <= KEPT_BYTES) Writer.#shared = this.#bytes
    const copy = Buffer.allocUnsafe(this.#at)
    this.#bytes.copy(copy, 0, 0, this.#at)
    return copy
  }

  uint32(value: number): void {
    this.#room(5)
    this.#low(value)
  }

  /** An integer of at most 64 bits, negative ones as two's complement. */
  int64(value: number): void {
    this.#room(10)
    let low = value >>> 0
    let high = Math.floor(value / 2 ** 32) >>> 0
    while (high > 0) {
      this.#bytes[this.#at++] = (low & 127) | 128
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#low(low)
  }

  float(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  fixed64(value: bigint): void {
    this.#room(8)
    this.#at = this.#bytes.writeBigUInt64LE(value, this.#at)
  }

  string(value: string): void {
    if (value.length <= SHORT_CHARACTERS && this.#ascii(value)) return
    const size = Buffer.byteLength(value)
    this.uint32(size)
    this.#room(size)
    this.#at += this.#bytes.write(value, this.#at)
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** Writes something after its length. */
  delimited(write: () => void): void {
    const start = this.#at
    this.#room(1)
    this.#at += 1
    write()
    const size = this.#at - start - 1
    const extra = size < 128 ? 0 : Math.floor(Math.log2(size) / 7)
    if (extra > 0) {
      this.#room(extra)
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#at)
    }
    this.#at = start
    this.#low(size)
    this.#at += size
  }

  /** Writes a short string of ASCII; false: it is none, and nothing is written. */
  #ascii(value: string): boolean {
    this.#room(1 + value.length)
    const start = this.#at + 1
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 127) return false
      this.#bytes[start + index] = code
    }
    this.#bytes[this.#at] = value.length
    this.#at = start + value.length
    return true
  }

  #low(value: number): void {
    let left = value >>> 0
    while (left > 127) {
      this.#bytes[this.#at++] = (left & 127) | 128
      left >>>= 7
    }
    this.#bytes[this.#at++] = left
  }

  #room(size: number): void {
    const needed = this.#at + size
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
