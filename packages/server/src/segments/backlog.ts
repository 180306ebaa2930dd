import { FRAME_BYTES } from './format.ts'

/** Bytes a record is counted as: one per character, as the records are nearly all ASCII. */
export function recordBytes(payload: string): number {
  return payload.length + FRAME_BYTES
}

/** Records not yet written, oldest first, bounded in bytes. */
export class Backlog {
  readonly #limitBytes: number
  #waiting: string[] = []
  /** Entries of `#waiting` before this index are gone; saves shifting the array. */
  #first = 0
  #inFlight: readonly string[] = []
  #bytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Of all records held, in flight or not. */
  get bytes(): number {
    return this.#bytes
  }

  /** Records that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length - this.#first
  }

  /** Adds a record, and drops the oldest that are not in flight while there is no room. @returns how many it dropped */
  push(payload: string): number {
    this.#waiting.push(payload)
    this.#bytes += recordBytes(payload)
    let dropped = 0
    while (this.#bytes > this.#limitBytes && this.waiting > 0) {
      this.#bytes -= recordBytes(this.#waiting[this.#first++]!)
      dropped += 1
    }
    if (dropped > 0) this.#compact()
    return dropped
  }

  /** The oldest records, at least one and about `bytes` at most; they are in flight until `settle`. */
  take(bytes: number): readonly string[] {
    let end = this.#first
    for (let taken = 0; end < this.#waiting.length && taken < bytes; end++) {
      taken += recordBytes(this.#waiting[end]!)
    }
    this.#inFlight = this.#waiting.slice(this.#first, end)
    this.#first = end
    this.#compact()
    return this.#inFlight
  }

  /** The first `written` records in flight are done; the others wait again, before everything else. */
  settle(written: number): void {
    for (let index = 0; index < written; index++) this.#bytes -= recordBytes(this.#inFlight[index]!)
    if (written < this.#inFlight.length) {
      this.#waiting = [...this.#inFlight.slice(written), ...this.#waiting.slice(this.#first)]
      this.#first = 0
    }
    this.#inFlight = []
  }

  /** Gives up all that waits. @returns how many records */
  clear(): number {
    const count = this.waiting
    this.#waiting = []
    this.#first = 0
    this.#bytes = 0
    return count
  }

  #compact(): void {
    if (this.#first === this.#waiting.length) this.#waiting = []
    else if (this.#first < 4096) return
    else this.#waiting = this.#waiting.slice(this.#first)
    this.#first = 0
  }
}
