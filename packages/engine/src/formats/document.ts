import { ModelError } from '../errors.ts'

/** A value of a JSON-like document. Objects are Maps: no key can reach a prototype. */
export type Doc = null | boolean | number | string | Float64Array | Doc[] | Map<string, Doc>

/** An object of a document: typed reading of its keys, with the way to it for messages. */
export class Section {
  readonly fields: ReadonlyMap<string, Doc>
  readonly name: string

  /** @throws ModelError corrupt when it is not an object */
  constructor(value: Doc | undefined, name: string) {
    if (!(value instanceof Map)) throw new ModelError('corrupt', `${name} is not an object`)
    this.fields = value
    this.name = name
  }

  find(key: string): Doc | undefined {
    return this.fields.get(key)
  }

  has(key: string): boolean {
    return this.fields.has(key)
  }

  section(key: string): Section {
    return new Section(this.find(key), `${this.name}.${key}`)
  }

  list(key: string): readonly Doc[] {
    const value = this.find(key)
    if (Array.isArray(value)) return value
    if (value instanceof Float64Array) return Array.from(value)
    throw this.#wrong(key, 'a list')
  }

  sections(key: string): Section[] {
    return this.list(key).map((value, i) => new Section(value, `${this.name}.${key}[${i}]`))
  }

  text(key: string, absent?: string): string {
    const value = this.find(key) ?? absent
    if (typeof value === 'string') return value
    throw this.#wrong(key, 'text')
  }

  texts(key: string): string[] {
    return this.list(key).map((value) => {
      if (typeof value === 'string') return value
      throw this.#wrong(key, 'a list of texts')
    })
  }

  /** A number, also one written as text. */
  number(key: string, absent?: number): number {
    const value = this.find(key) ?? absent
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
    if (typeof number === 'number' && (typeof value === 'number' || !Number.isNaN(number))) return number
    throw this.#wrong(key, 'a number')
  }

  /** A whole number in [0, 2³¹). */
  count(key: string, absent?: number): number {
    const value = this.number(key, absent)
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
    throw this.#wrong(key, 'a count')
  }

  /** A list of numbers; true is 1. */
  numbers(key: string, absent?: Float64Array): Float64Array {
    const value = this.find(key) ?? absent
    if (value instanceof Float64Array) return value
    if (!Array.isArray(value)) throw this.#wrong(key, 'a list of numbers')
    return Float64Array.from(value, (item) => {
      if (typeof item === 'number') return item
      if (typeof item === 'boolean') return Number(item)
      throw this.#wrong(key, 'a list of numbers')
    })
  }

  /** A list of whole numbers of 32 bits. */
  integers(key: string, absent?: Float64Array): Int32Array {
    const values = this.numbers(key, absent)
    const result = Int32Array.from(values)
    if (values.some((value, i) => value !== result[i])) throw this.#wrong(key, 'a list of whole numbers')
    return result
  }

  #wrong(key: string, expected: string): ModelError {
    return new ModelError('corrupt', `${this.name}.${key} is not ${expected}`)
  }
}
