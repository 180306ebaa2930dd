import { ModelError } from '../errors.ts'
import type { Cell } from '../ir/program.ts'
import { cellsOf, numbersOf } from '../pickle/numpy.ts'
import { type Inert, InertObject, NdArray } from '../pickle/values.ts'

/** A fitted estimator as the file describes it: typed reading of its attributes, with the path for messages. */
export class Estimator {
  readonly object: InertObject
  readonly path: readonly string[]
  readonly #state: ReadonlyMap<Inert, Inert>

  constructor(object: InertObject, path: readonly string[]) {
    this.object = object
    this.path = path
    if (object.state !== null && !(object.state instanceof Map))
      throw new ModelError('corrupt', `${object.cls.qualified} has no attribute dictionary`, { path })
    this.#state = object.state ?? new Map()
  }

  /** As the file names it: `sklearn.ensemble._forest.RandomForestClassifier`. */
  get qualified(): string {
    return this.object.cls.qualified
  }

  /** Public name, the same for every version: `sklearn.ensemble.RandomForestClassifier`. */
  get name(): string {
    return publicName(this.object.cls.module, this.object.cls.name)
  }

  get version(): string | undefined {
    const version = this.#state.get('_sklearn_version')
    return typeof version === 'string' ? version : undefined
  }

  get keys(): string[] {
    return [...this.#state.keys()].filter((key): key is string => typeof key === 'string')
  }

  has(key: string): boolean {
    return this.#state.has(key)
  }

  /** undefined when the attribute is absent (None is null). */
  find(key: string): Inert | undefined {
    return this.#state.get(key)
  }

  /** The first of several names an attribute had over the versions. @throws ModelError unfitted when all are absent */
  get(...keys: readonly string[]): Inert {
    for (const key of keys) {
      const value = this.#state.get(key)
      if (value !== undefined) return value
    }
    const fitted = this.keys.some((key) => key.endsWith('_') && !key.startsWith('__'))
    throw fitted
      ? this.error('corrupt', `${this.name} has no attribute ${keys[0]}`)
      : this.error('unfitted', `${this.name} was never fitted`, 'call fit() before saving it')
  }

  /** A number (Python int, float, numpy scalar). */
  number(...keys: readonly string[]): number {
    const value = this.get(...keys)
    if (typeof value === 'number') return value
    if (typeof value === 'boolean') return value ? 1 : 0
    throw this.#wrong(keys, 'a number')
  }

  flag(key: string, absent: boolean): boolean {
    const value = this.#state.get(key)
    if (value === undefined) return absent
    if (typeof value === 'boolean') return value
    if (typeof value === 'number') return value !== 0
    throw this.#wrong([key], 'true or false')
  }

  text(key: string, absent?: string): string {
    const value = this.#state.get(key) ?? absent
    if (typeof value === 'string') return value
    throw this.#wrong([key], 'text')
  }

  array(...keys: readonly string[]): NdArray {
    const value = this.get(...keys)
    if (value instanceof NdArray) return value
    throw this.#wrong(keys, 'an array')
  }

  /** Array elements as float64, C order. */
  numbers(...keys: readonly string[]): Float64Array {
    return numbersOf(this.array(...keys))
  }

  /** Array (or list) elements as cells: class labels, categories. */
  cells(...keys: readonly string[]): Cell[] {
    const value = this.get(...keys)
    if (value instanceof NdArray || Array.isArray(value)) return cellsOf(value)
    throw this.#wrong(keys, 'an array')
  }

  list(...keys: readonly string[]): Inert[] {
    const value = this.get(...keys)
    if (Array.isArray(value)) return value
    if (value instanceof NdArray && Array.isArray(value.data)) return value.data
    throw this.#wrong(keys, 'a list')
  }

  /** The estimator held by a value, one step further down the path. */
  child(value: Inert | undefined, step?: string): Estimator {
    const path = step === undefined ? this.path : [...this.path, step]
    if (value instanceof InertObject && !value.called) return new Estimator(value, path)
    throw new ModelError('unsupported', `${this.name} holds something that is not an estimator`, { path })
  }

  error(kind: ModelError['kind'], what: string, hint?: string): ModelError {
    return new ModelError(kind, what, { path: this.path, ...(hint === undefined ? {} : { hint }) })
  }

  #wrong(keys: readonly string[], expected: string): ModelError {
    return this.error('corrupt', `${this.name}.${keys[0]} is not ${expected}`)
  }
}

/** `sklearn.preprocessing._data.StandardScaler` and `sklearn.preprocessing.data.StandardScaler` are one class. */
function publicName(module: string, name: string): string {
  const [root, subpackage] = module.split('.')
  return root === 'sklearn' && subpackage !== undefined
    ? `sklearn.${subpackage}.${name}`
    : `${module}.${name}`
}

/** Package that a class belongs to, as it is installed. */
export function libraryOf(qualified: string): string {
  const root = qualified.split('.')[0]!
  return root === 'sklearn' ? 'scikit-learn' : root
}
