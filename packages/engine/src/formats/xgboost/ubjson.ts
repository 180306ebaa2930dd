import { platform } from '#platform'
import { type Budget, overLimit } from '../../bytes/limits.ts'
import { ModelError } from '../../errors.ts'
import type { TextReader } from '../../platform/platform.ts'
import type { Doc } from '../document.ts'

type Scalar = { readonly bytes: number; readonly read: (view: DataView, at: number) => number }

/** Numbers of UBJSON by marker, big-endian. */
const NUMBERS: Readonly<Record<string, Scalar>> = {
  i: { bytes: 1, read: (view, at) => view.getInt8(at) },
  U: { bytes: 1, read: (view, at) => view.getUint8(at) },
  I: { bytes: 2, read: (view, at) => view.getInt16(at) },
  l: { bytes: 4, read: (view, at) => view.getInt32(at) },
  L: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at)) },
  d: { bytes: 4, read: (view, at) => view.getFloat32(at) },
  D: { bytes: 8, read: (view, at) => view.getFloat64(at) },
}

const CONSTANTS: Readonly<Record<string, Doc>> = { Z: null, T: true, F: false }

/** Universal Binary JSON, as XGBoost writes it. @throws ModelError corrupt | limit */
export function readUbjson(bytes: Uint8Array, budget: Budget): Doc {
  const parser = new UbjsonParser(bytes, budget)
  const value = parser.value(parser.marker())
  if (parser.at < bytes.length) throw parser.wrong()
  return value
}

class UbjsonParser {
  at = 0
  readonly #view: DataView
  readonly #utf8: TextReader['utf8']
  readonly #budget: Budget
  #depth = 0

  constructor(bytes: Uint8Array, budget: Budget) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#utf8 = platform.textOf(bytes).utf8
    this.#budget = budget
  }

  marker(): string {
    return String.fromCharCode(this.#view.getUint8(this.#take(1)))
  }

  value(marker: string): Doc {
    this.#budget.operation()
    const number = numberOf(marker)
    if (number !== undefined) return number.read(this.#view, this.#take(number.bytes))
    if (Object.hasOwn(CONSTANTS, marker)) return CONSTANTS[marker]!
    if (marker === 'S' || marker === 'H') return this.#text()
    if (marker === 'C') return this.marker()
    if (marker === '{') return this.#nested(() => this.#object())
    if (marker === '[') return this.#nested(() => this.#array())
    throw this.wrong()
  }

  #object(): Map<string, Doc> {
    const result = new Map<string, Doc>()
    while (this.#peek() !== '}') {
      const key = this.#text()
      result.set(key, this.value(this.marker()))
      this.#budget.elements(2)
    }
    this.#take(1)
    return result
  }

  #array(): Doc[] | Float64Array {
    if (this.#peek() === '$') return this.#typedArray()
    if (this.#peek() === '#') return this.#counted()
    const result: Doc[] = []
    for (let marker = this.marker(); marker !== ']'; marker = this.marker()) {
      result.push(this.value(marker))
      this.#budget.elements(1)
    }
    return result
  }

  #counted(): Doc[] {
    this.#take(1)
    const count = this.#length()
    const result: Doc[] = []
    for (let i = 0; i < count; i++) {
      result.push(this.value(this.marker()))
      this.#budget.elements(1)
    }
    return result
  }

  /** `$` type `#` count, then the numbers without markers. */
  #typedArray(): Float64Array {
    this.#take(1)
    const type = numberOf(this.marker())
    if (type === undefined || this.marker() !== '#') throw this.wrong()
    const count = this.#length()
    const start = this.#take(count * type.bytes)
    this.#budget.elements(count)
    return Float64Array.from({ length: count }, (_, i) => type.read(this.#view, start + i * type.bytes))
  }

  #text(): string {
    const length = this.#length()
    const start = this.#take(length)
    return this.#utf8(start, start + length)
  }

  /** An integer that says how long something is. */
  #length(): number {
    const marker = this.marker()
    const length = 'iUIlL'.includes(marker) ? (this.value(marker) as number) : -1
    if (length < 0) throw this.wrong()
    return length
  }

  #peek(): string {
    const at = this.#take(1)
    this.at = at
    return String.fromCharCode(this.#view.getUint8(at))
  }

  #nested<T>(read: () => T): T {
    this.#budget.container()
    const { maxDepth } = this.#budget.limits
    if (++this.#depth > maxDepth) throw overLimit('levels of nesting', maxDepth)
    const value = read()
    this.#depth--
    return value
  }

  #take(count: number): number {
    const start = this.at
    if (count > this.#view.byteLength - start) throw this.wrong()
    this.at = start + count
    return start
  }

  wrong(): ModelError {
    return new ModelError('corrupt', `the UBJSON of the file is broken at byte ${this.at}`, {
      hint: 'copy it again, it was probably cut on the way',
    })
  }
}

const numberOf = (marker: string): Scalar | undefined =>
  Object.hasOwn(NUMBERS, marker) ? NUMBERS[marker] : undefined
