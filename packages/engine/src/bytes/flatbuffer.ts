import { ModelError } from '../errors.ts'
import { utf8 } from './text.ts'

/**
 * Bounds-checked reading of a FlatBuffers table: a signed offset back to its vtable, which lists where each field is.
 * Fields are named by their number in the schema; absent ones have the default of the schema.
 */
export class FlatTable {
  readonly #view: DataView
  readonly #at: number

  private constructor(view: DataView, at: number) {
    this.#view = view
    this.#at = at
  }

  /** The root table of a buffer. @throws ModelError corrupt */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return guarded(() => new FlatTable(view, view.getUint32(0, true)))
  }

  int(field: number, absent: number): number {
    return this.#scalar(field, absent, (at) => this.#view.getInt32(at, true))
  }

  byte(field: number, absent: number): number {
    return this.#scalar(field, absent, (at) => this.#view.getInt8(at))
  }

  float(field: number, absent: number): number {
    return this.#scalar(field, absent, (at) => this.#view.getFloat32(at, true))
  }

  double(field: number, absent: number): number {
    return this.#scalar(field, absent, (at) => this.#view.getFloat64(at, true))
  }

  /** '' when absent. */
  text(field: number): string {
    return utf8(this.bytes(field))
  }

  texts(field: number): string[] {
    const { start, count } = this.#vector(field, 4)
    return Array.from({ length: count }, (_, i) => {
      const at = this.#target(start + 4 * i)
      const size = guarded(() => this.#view.getUint32(at, true))
      if (size > this.#view.byteLength - at - 4) throw broken()
      return utf8(new Uint8Array(this.#view.buffer, this.#view.byteOffset + at + 4, size))
    })
  }

  bytes(field: number): Uint8Array {
    const { start, count } = this.#vector(field, 1)
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, count)
  }

  ints(field: number): Int32Array {
    const { start, count } = this.#vector(field, 4)
    return Int32Array.from({ length: count }, (_, i) => this.#view.getInt32(start + 4 * i, true))
  }

  floats(field: number): Float64Array {
    const { start, count } = this.#vector(field, 4)
    return Float64Array.from({ length: count }, (_, i) => this.#view.getFloat32(start + 4 * i, true))
  }

  doubles(field: number): Float64Array {
    const { start, count } = this.#vector(field, 8)
    return Float64Array.from({ length: count }, (_, i) => this.#view.getFloat64(start + 8 * i, true))
  }

  /** How long a list of elements of any size is. */
  count(field: number): number {
    return this.#vector(field, 0).count
  }

  table(field: number): FlatTable {
    const at = this.#find(field)
    if (at === undefined) throw broken()
    return new FlatTable(this.#view, this.#target(at))
  }

  tables(field: number): FlatTable[] {
    const { start, count } = this.#vector(field, 4)
    return Array.from({ length: count }, (_, i) => new FlatTable(this.#view, this.#target(start + 4 * i)))
  }

  #scalar(field: number, absent: number, read: (at: number) => number): number {
    const at = this.#find(field)
    return at === undefined ? absent : guarded(() => read(at))
  }

  #find(field: number): number | undefined {
    return guarded(() => {
      const vtable = this.#at - this.#view.getInt32(this.#at, true)
      const slot = 4 + 2 * field
      if (slot + 2 > this.#view.getUint16(vtable, true)) return undefined
      const offset = this.#view.getUint16(vtable + slot, true)
      return offset === 0 ? undefined : this.#at + offset
    })
  }

  #target(at: number): number {
    return guarded(() => at + this.#view.getUint32(at, true))
  }

  #vector(field: number, elementBytes: number): { start: number; count: number } {
    const at = this.#find(field)
    if (at === undefined) return { start: 0, count: 0 }
    const target = this.#target(at)
    const count = guarded(() => this.#view.getUint32(target, true))
    if (count * elementBytes > this.#view.byteLength - target - 4) throw broken()
    return { start: target + 4, count }
  }
}

/** DataView throws RangeError beyond its end. */
function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) throw broken()
    throw error
  }
}

const broken = (): ModelError =>
  new ModelError('corrupt', 'the file points outside of itself', { hint: 'copy it again' })
