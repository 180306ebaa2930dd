import type { Inert } from './values.ts'

/**
 * What a pickle gave a number to. Numbers follow one another in every file that Python writes, so that an array holds
 * them; a file that chooses its own has them in a map.
 */
export class Memo {
  readonly #dense: Inert[] = []
  readonly #sparse = new Map<number, Inert>()

  get size(): number {
    return this.#dense.length + this.#sparse.size
  }

  set(slot: number, value: Inert): void {
    if (slot > this.#dense.length) {
      this.#sparse.set(slot, value)
      return
    }
    this.#dense[slot] = value
    this.#sparse.delete(slot)
  }

  get(slot: number): Inert | undefined {
    return slot < this.#dense.length ? this.#dense[slot] : this.#sparse.get(slot)
  }
}
