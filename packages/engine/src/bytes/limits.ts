import { ModelError } from '../errors.ts'

/** What one file may cost. Every field has a default in `DEFAULT_LIMITS`; nothing here changes an answer. */
export type Limits = {
  /** Longest file, in bytes as stored. */
  readonly maxFileBytes: number
  /** Longest content after decompression, in bytes. */
  readonly maxDecompressedBytes: number
  /** Largest decompressed/stored ratio. Models of some size are seen to reach 5; deflate can reach 1032. */
  readonly maxRatio: number
  /** Content up to this many bytes is never refused for its ratio. */
  readonly ratioFloorBytes: number
  /** Most pickle operations. */
  readonly maxOperations: number
  /** Deepest nesting of marks and of containers inside containers. */
  readonly maxDepth: number
  /** Most objects the file may give a number to (pickle memo). */
  readonly maxMemoEntries: number
  /** Most elements of all lists, dictionaries, sets and object arrays together. */
  readonly maxElements: number
  /** Most lists, tuples, dictionaries, sets and objects: an empty one is a byte of the file and a hundred in memory. */
  readonly maxContainers: number
  /** Longest reading, in milliseconds of wall clock. */
  readonly deadlineMs: number
}

const MIB = 2 ** 20

export const DEFAULT_LIMITS: Limits = {
  maxFileBytes: 1024 * MIB,
  maxDecompressedBytes: 2048 * MIB,
  maxRatio: 200,
  ratioFloorBytes: 8 * MIB,
  maxOperations: 50_000_000,
  maxDepth: 500,
  maxMemoEntries: 8_000_000,
  maxElements: 16_000_000,
  maxContainers: 500_000,
  deadlineMs: 60_000,
}

/** Most columns a model may say it reads: a header of four bytes must not cost gigabytes of names. */
const MAX_COLUMNS = 250_000

/** @throws ModelError limit */
export function assertColumnCount(columns: number): void {
  if (columns > MAX_COLUMNS)
    throw new ModelError('limit', `says it reads ${columns} columns, at most ${MAX_COLUMNS} are taken`)
}

/** Most bytes that a compressed file of `storedBytes` may become. */
export function outputCap(storedBytes: number, limits: Limits): number {
  const byRatio = Math.max(limits.ratioFloorBytes, storedBytes * limits.maxRatio)
  return Math.min(limits.maxDecompressedBytes, byRatio)
}

export function outputTooLarge(cap: number): ModelError {
  return new ModelError('limit', `the file unpacks to more than ${cap} bytes`, {
    hint: 'if it is honest, save it again without compression',
  })
}

/** Counts operations and elements of one reading against its limits. */
export class Budget {
  readonly limits: Limits
  readonly #deadline: number
  #operations = 0
  #elements = 0
  #containers = 0
  #copiedBytes = 0

  constructor(limits: Limits) {
    this.limits = limits
    this.#deadline = performance.now() + limits.deadlineMs
  }

  /** One operation; looks at the clock now and then. @throws ModelError limit */
  operation(): void {
    this.#operations++
    if ((this.#operations & 4095) !== 0) return
    if (this.#operations > this.limits.maxOperations) throw overLimit('operations', this.limits.maxOperations)
    this.checkDeadline()
  }

  checkDeadline(): void {
    if (performance.now() > this.#deadline)
      throw new ModelError('limit', `reading took longer than ${this.limits.deadlineMs} ms`, {
        hint: 'make the model smaller or raise the deadline',
      })
  }

  /** `count` bytes written anew: a file could ask for the same long value again and again. @throws ModelError limit */
  copy(count: number): void {
    this.#copiedBytes += count
    if (this.#copiedBytes > this.limits.maxDecompressedBytes)
      throw overLimit('bytes of content', this.limits.maxDecompressedBytes)
  }

  /** `count` elements moved into containers. @throws ModelError limit */
  elements(count: number): void {
    this.#elements += count
    if (this.#elements > this.limits.maxElements) throw overLimit('elements', this.limits.maxElements)
  }

  /** One list, tuple, dictionary, set or object, however much is in it. @throws ModelError limit */
  container(): void {
    this.#containers++
    if (this.#containers > this.limits.maxContainers)
      throw overLimit('lists, dictionaries and objects', this.limits.maxContainers)
  }
}

export function overLimit(what: string, limit: number): ModelError {
  return new ModelError('limit', `the file has more than ${limit} ${what}`, {
    hint: 'no model we know needs as many; raise the limit if this one does',
  })
}
