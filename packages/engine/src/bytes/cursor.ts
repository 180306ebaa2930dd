import { platform } from '#platform'
import { ModelError } from '../errors.ts'
import type { TextReader } from '../platform/platform.ts'

/** Bounds-checked little-endian reading. `bytes` handed out are views, never copies. */
export class Cursor {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #text: TextReader
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#text = platform.textOf(bytes)
  }

  /** Moves past `count` bytes and answers where they start. @throws ModelError corrupt past the end */
  take(count: number): number {
    const start = this.at
    if (count < 0 || count > this.bytes.length - start) throw truncated(start)
    this.at = start + count
    return start
  }

  u8(): number {
    return this.bytes[this.take(1)]!
  }

  u16(): number {
    return this.#view.getUint16(this.take(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.take(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.take(4), true)
  }

  u32BigEndian(): number {
    return this.#view.getUint32(this.take(4), false)
  }

  /** An unsigned 64-bit length: anything beyond 2^53 is past the end of every file. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.take(8), true))
  }

  f64BigEndian(): number {
    return this.#view.getFloat64(this.take(8), false)
  }

  slice(count: number): Uint8Array {
    const start = this.take(count)
    return this.bytes.subarray(start, start + count)
  }

  /** UTF-8. @throws ModelError corrupt when it is not valid */
  utf8(count: number): string {
    const start = this.take(count)
    const text = this.#text.utf8(start, start + count)
    if (text.includes('\uFFFD')) assertUtf8(this.bytes.subarray(start, start + count))
    return text
  }

  latin1(count: number): string {
    const start = this.take(count)
    return this.#text.latin1(start, start + count)
  }

  /** Text up to the next newline, which is consumed; latin1. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at)
    if (end < 0) throw truncated(this.at)
    const text = this.latin1(end - this.at)
    this.at++
    return text
  }
}

/** Python's `surrogatepass`: lone surrogates are legal in a pickle, other malformed UTF-8 is not. */
function assertUtf8(bytes: Uint8Array): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new ModelError('corrupt', 'the file has text that is not valid UTF-8')
  }
}

function truncated(at: number): ModelError {
  return new ModelError('corrupt', `the file ends in the middle of a value (byte ${at})`, {
    hint: 'copy it again, it was probably cut on the way',
  })
}
