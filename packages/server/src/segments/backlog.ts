import { type EncodedGroup, FRAME_BYTES, framedBytesAtMost, frameRecord, type Payload } from './format.ts'

/** Larger than what is written at once, so that a page is seldom full before it is written. */
const PAGE_BYTES = 128 << 10

/** Framed records one behind the other. */
type Page = {
  readonly bytes: Buffer
  /** Where each record ends. */
  ends: number[]
  /** Rows in each record. */
  rows: number[]
  /** Records before this one are gone. */
  first: number
}

/**
 * Records not yet written, oldest first, bounded in bytes. They are framed at once: as strings they would live until
 * they are written, and be copied by every garbage collection until then.
 */
export class Backlog {
  readonly #limitBytes: number
  #pages: Page[] = []
  #inFlight: Page | undefined
  #spare: Page | undefined
  #bytes = 0
  #waiting = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Of all records held, in flight or not. */
  get bytes(): number {
    return this.#bytes
  }

  /** Rows that wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** A record that is larger than the backlog, whatever its characters are. */
  exceeds(payload: Payload): boolean {
    return payload.length + FRAME_BYTES > this.#limitBytes
  }

  /** Adds a record of so many rows, and drops the oldest that are not in flight while there is no room. @returns rows dropped */
  push(payload: Payload, rows: number): number {
    const page = this.#pageFor(framedBytesAtMost(payload))
    const start = endOf(page)
    const end = frameRecord(page.bytes, start, payload)
    page.ends.push(end)
    page.rows.push(rows)
    this.#bytes += end - start
    this.#waiting += rows
    let dropped = 0
    while (this.#bytes > this.#limitBytes && this.#waiting > dropped) {
      dropped += this.#forget(this.#pages[0]!, 1)
      if (isEmpty(this.#pages[0]!)) this.#release(this.#pages.shift()!)
    }
    this.#waiting -= dropped
    return dropped
  }

  /** The oldest records, at least one; they are in flight until `settle`. */
  take(): EncodedGroup {
    const page = this.#pages.shift()!
    this.#inFlight = page
    this.#waiting -= rowsOf(page)
    const start = page.first === 0 ? 0 : page.ends[page.first - 1]!
    return {
      bytes: page.bytes.subarray(start, endOf(page)),
      ends: page.ends.slice(page.first).map((end) => end - start),
    }
  }

  /** The first `written` records in flight are done; the others wait again, before everything else. @returns rows done */
  settle(written: number): number {
    const page = this.#inFlight!
    this.#inFlight = undefined
    const rows = this.#forget(page, written)
    this.#waiting += rowsOf(page)
    if (isEmpty(page)) this.#release(page)
    else this.#pages.unshift(page)
    return rows
  }

  /** Gives up all that waits. @returns how many rows */
  clear(): number {
    const count = this.#waiting
    this.#pages = []
    this.#waiting = 0
    this.#bytes = 0
    return count
  }

  #pageFor(bytes: number): Page {
    const last = this.#pages.at(-1)
    if (last !== undefined && last.bytes.length - endOf(last) >= bytes) return last
    const page = bytes <= PAGE_BYTES ? (this.#spare ?? createPage(PAGE_BYTES)) : createPage(bytes)
    if (page === this.#spare) this.#spare = undefined
    this.#pages.push(page)
    return page
  }

  /** @returns the rows in them */
  #forget(page: Page, records: number): number {
    const before = page.first === 0 ? 0 : page.ends[page.first - 1]!
    const rows = sum(page.rows.slice(page.first, page.first + records))
    page.first += records
    if (records > 0) this.#bytes -= page.ends[page.first - 1]! - before
    return rows
  }

  #release(page: Page): void {
    if (page.bytes.length !== PAGE_BYTES) return
    page.ends = []
    page.rows = []
    page.first = 0
    this.#spare = page
  }
}

const createPage = (bytes: number): Page => ({
  bytes: Buffer.allocUnsafeSlow(bytes),
  ends: [],
  rows: [],
  first: 0,
})

const endOf = ({ ends }: Page): number => (ends.length === 0 ? 0 : ends[ends.length - 1]!)

const isEmpty = ({ ends, first }: Page): boolean => first === ends.length

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const rowsOf = ({ rows, first }: Page): number => sum(rows.slice(first))
