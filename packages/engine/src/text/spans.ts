import { RowError } from '../errors.ts'

/** Most tokens, and most words, taken from one text. */
export const MOST_TOKENS = 2 ** 22
const FIRST_LENGTH = 256
/** Storage longer than this, in elements, is given back after the text that needed it. */
const KEPT_LENGTH = 2 ** 16

export const tooManyTokens = (): RowError =>
  new RowError(`more than ${MOST_TOKENS} n-grams in one text; send it in parts`, 0)

type Storage = Int32Array<ArrayBuffer>

/** The same storage where `length` elements fit it and it is not large, else new storage. What it held is lost. */
export const storageFor = (storage: Storage, length: number): Storage =>
  length <= storage.length && storage.length <= KEPT_LENGTH
    ? storage
    : new Int32Array(Math.max(FIRST_LENGTH, length))

/** Code points of a text, in storage that the next text uses again. */
export class Codes {
  points = new Int32Array(FIRST_LENGTH)
  length = 0

  /** Forgets everything, makes room for that many. */
  begin(most: number): void {
    this.points = storageFor(this.points, most)
    this.length = 0
  }

  push(point: number): void {
    this.points[this.length++] = point
  }

  append({ points: from }: Codes, start: number, end: number): void {
    const { points, length } = this
    for (let at = start, to = length; at < end; at++, to++) points[to] = from[at]!
    this.length = length + end - start
  }

  /** The code points of a text from `start` to `end`, in UTF-16 units, for which there is room. */
  appendText(text: string, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const point = text.codePointAt(at)!
      this.points[this.length++] = point
      at += point > 0xffff ? 2 : 1
    }
  }
}

/** Places in code points: from `starts[i]` up to `ends[i]`, for i below `count`. */
export class Spans {
  starts = new Int32Array(FIRST_LENGTH)
  ends = new Int32Array(FIRST_LENGTH)
  count = 0

  /** Forgets everything. */
  begin(): void {
    this.starts = storageFor(this.starts, 0)
    this.ends = storageFor(this.ends, 0)
    this.count = 0
  }

  /** @throws RowError for more than `MOST_TOKENS` */
  add(start: number, end: number): void {
    if (this.count === this.starts.length) this.reserve(1)
    this.starts[this.count] = start
    this.ends[this.count++] = end
  }

  /** Makes room for more, which are written to `starts` and `ends`. @throws RowError for more than `MOST_TOKENS` */
  reserve(more: number): void {
    const least = this.count + more
    if (least > MOST_TOKENS) throw tooManyTokens()
    if (least <= this.starts.length) return
    const { starts, ends } = this
    const length = Math.max(least, starts.length * 2)
    this.starts = new Int32Array(length)
    this.ends = new Int32Array(length)
    this.starts.set(starts)
    this.ends.set(ends)
  }
}

/** A text's code points, as its tokens have them, and where each token is in them. */
export type Tokens = { readonly codes: Codes; readonly spans: Spans }
