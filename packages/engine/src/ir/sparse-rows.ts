/** Widest row that is written out with its zeros: half a megabyte. Hashed text has a million columns. */
export const MAX_DENSE_WIDTH = 65_536

const FIRST_CAPACITY = 256

/**
 * Rows of which only the stored entries are kept, in storage that grows and is used again: entries of row r are
 * `columns[i]`, `values[i]` for i from `starts[r]` up to `starts[r + 1]`, columns ascending.
 */
export class SparseRows {
  starts = new Int32Array(2)
  columns = new Int32Array(FIRST_CAPACITY)
  values = new Float64Array(FIRST_CAPACITY)
  #rows = 0
  #count = 0

  /** Forgets everything, makes room for that many rows. */
  begin(rows: number): void {
    if (this.starts.length <= rows) this.starts = new Int32Array(rows + 1)
    this.#rows = 0
    this.#count = 0
  }

  push(column: number, value: number): void {
    if (this.#count === this.columns.length) this.#grow(this.#count + 1)
    this.columns[this.#count] = column
    this.values[this.#count++] = value
  }

  /** Where the next entry goes; makes room there for that many, which are written to `columns` and `values`. */
  reserve(more: number): number {
    if (this.#count + more > this.columns.length) this.#grow(this.#count + more)
    return this.#count
  }

  /** Ends the row, where entries that were written to reserved room end. */
  endRow(end = this.#count): void {
    this.#count = end
    this.starts[++this.#rows] = end
  }

  /**
   * Has entries where another has them from now on, until it begins again; those places stay the other's. Room for
   * as many values, which have yet to be written.
   */
  beginLike(other: SparseRows): void {
    this.starts = other.starts
    this.columns = other.columns
    if (this.values.length < other.values.length) this.values = new Float64Array(other.values.length)
  }

  /** Entries of one row as column, value, column, value … */
  row(row: number): number[] {
    const pairs: number[] = []
    for (let i = this.starts[row]!; i < this.starts[row + 1]!; i++)
      pairs.push(this.columns[i]!, this.values[i]!)
    return pairs
  }

  #grow(least: number): void {
    const { columns, values } = this
    const length = Math.max(columns.length * 2, least)
    this.columns = new Int32Array(length)
    this.values = new Float64Array(length)
    this.columns.set(columns)
    this.values.set(values)
  }
}
