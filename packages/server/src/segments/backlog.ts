import { type EncodedGroup, FRAME_BYTES, framedBytesAtMost, frameRecord } from './format.ts'

/** Larger than what is written at once, so that a page is seldom full before it is written. */
const PAGE_BYTES = 128 << 10

/** Framed records one behind the other. */
type Page = {
  readonly bytes: Buffer
  /** Where each record ends. */
  ends: number[]
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

  /** Records that wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** A record that is larger than the backlog, whatever its characters are. */
  exceeds(payload: string): boolean {
    return payload.length + FRAME_BYTES > this.#limitBytes
  }

  /** Adds a record, and drops the oldest that are not in flight while there is no room. @returns how many it dropped */
  push(payload: string): number {
    const page = this.#pageFor(framedBytesAtMost(payload))
    const start = endOf(page)
    const end = frameRecord(page.bytes, start, payload)
    page.ends.push(end)
    this.#bytes += end - start
    this.#waiting += 1
    let dropped = 0
    while (this.#bytes > this.#limitBytes && this.#waiting > 0) {
      this.#forget(this.#pages[0]!, 1)
      this.#waiting -= 1
      if (isEmpty(this.#pages[0]!)) this.#release(this.#pages.shift()!)
      dropped += 1
    }
    return dropped
  }

  /** The oldest records, at least one; they are in flight until `settle`. */
  take(): EncodedGroup {
    const page = this.#pages.shift()!
    this.#inFlight = page
    this.#waiting -= page.ends.length - page.first
    const start = page.first === 0 ? 0 : page.ends[page.first - 1]!
    return {
      bytes: page.bytes.subarray(start, endOf(page)),
      ends: page.ends.slice(page.first).map((end) => end - start),
    }
  }

  /** The first `written` records in flight are done; the others wait again, before everything else. */
  settle(written: number): void {
    const page = this.#inFlight!
    this.#inFlight = undefined
    this.#forget(page, written)
    this.#waiting += page.ends.length - page.first
    if (isEmpty(page)) this.#release(page)
    else this.#pages.unshift(page)
  }

  /** Gives up all that waits. @returns how many records */
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

  #forget(page: Page, records: number): void {
    const before = page.first === 0 ? 0 : page.ends[page.first - 1]!
    page.first += records
    if (records > 0) this.#bytes -= page.ends[page.first - 1]! - before
  }

  #release(page: Page): void {
    if (page.bytes.length !== PAGE_BYTES) return
    page.ends = []
    page.first = 0
    this.#spare = page
  }
}

const createPage = (bytes: number): Page => ({ bytes: Buffer.allocUnsafeSlow(bytes), ends: [], first: 0 })

const endOf = ({ ends }: Page): number => (ends.length === 0 ? 0 : ends[ends.length - 1]!)

const isEmpty = ({ ends, first }: Page): boolean => first === ends.length
