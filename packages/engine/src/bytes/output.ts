import { ModelError } from '../errors.ts'
import { outputTooLarge } from './limits.ts'

/** Decompressed bytes that grow up to a cap. Decoders refer back into it, so it is also their dictionary. */
export class Output {
  bytes: Uint8Array
  length = 0
  readonly #maxBytes: number

  constructor(maxBytes: number, expectedBytes: number) {
    this.#maxBytes = maxBytes
    this.bytes = new Uint8Array(Math.min(maxBytes, Math.max(expectedBytes, 4096)))
  }

  /** Makes room for `count` more bytes. @throws ModelError limit over the cap */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    if (needed > this.#maxBytes) throw outputTooLarge(this.#maxBytes)
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  push(byte: number): void {
    this.reserve(1)
    this.bytes[this.length++] = byte
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  /** Repeats `count` bytes from `distance` bytes ago; the two ranges may overlap. @throws ModelError corrupt */
  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.length)
      throw new ModelError('corrupt', 'compressed data refer to nothing')
    this.reserve(count)
    const from = this.length - distance
    if (distance >= count) this.bytes.copyWithin(this.length, from, from + count)
    else for (let i = 0; i < count; i++) this.bytes[this.length + i] = this.bytes[from + i]!
    this.length += count
  }

  /** What was written since `start`. */
  since(start: number): Uint8Array {
    return this.bytes.subarray(start, this.length)
  }
}
