import type { SparseRows } from '../ir/sparse-rows.ts'

/** Widest row that is added up in place. */
const MAX_TALLY_WIDTH = 2 ** 22

/** @throws RangeError unless rows of that width can be added up */
export function expectTallyWidth(op: string, width: number): void {
  if (!Number.isInteger(width) || width < 1 || width > MAX_TALLY_WIDTH)
    throw new RangeError(`${op}: ${width} columns; 1 to ${MAX_TALLY_WIDTH} are served`)
}

/** Adds up one row at a time, column by column in any order. Columns that were named stay, if their sum is 0. */
export class Tally {
  readonly #sums: Float64Array
  readonly #named: Uint8Array
  #columns = new Int32Array(256)
  #count = 0

  constructor(width: number) {
    this.#sums = new Float64Array(width)
    this.#named = new Uint8Array(width)
  }

  add(column: number, value: number): void {
    this.#sums[column]! += value
    if (this.#named[column] === 1) return
    this.#named[column] = 1
    if (this.#count === this.#columns.length) {
      const columns = new Int32Array(this.#count * 2)
      columns.set(this.#columns)
      this.#columns = columns
    }
    this.#columns[this.#count++] = column
  }

  /** Forgets the row. */
  clear(): void {
    for (let i = 0; i < this.#count; i++) {
      this.#sums[this.#columns[i]!] = 0
      this.#named[this.#columns[i]!] = 0
    }
    this.#count = 0
  }

  /** Writes the row, ones instead of sums where `binary`, and forgets it. */
  moveTo(rows: SparseRows, binary: boolean): void {
    const columns = this.#columns.subarray(0, this.#count).sort()
    for (const column of columns) rows.push(column, binary ? 1 : this.#sums[column]!)
    rows.endRow()
    this.clear()
  }
}

/** The same for the meaning of an operation: sums by column as one sparse row. */
export function sparseRowOf(sums: ReadonlyMap<number, number>, binary: boolean): number[] {
  return [...sums.entries()].sort(([a], [b]) => a - b).flatMap(([column, sum]) => [column, binary ? 1 : sum])
}
