import { ModelError } from '../errors.ts'

/** Stops as soon as the content is longer than `maxBytes`. @throws ModelError limit | corrupt */
export type Decode = (bytes: Uint8Array, maxBytes: number) => Uint8Array

/** Text of parts of some bytes, from `start` to before `end`. */
export type TextReader = {
  /** Malformed parts become U+FFFD; a byte order mark stays. */
  readonly utf8: (start: number, end: number) => string
  /** A character per byte. */
  readonly latin1: (start: number, end: number) => string
}

/**
 * What the engine takes from where it runs: Node has native code for it, a browser does not (or only asynchronously).
 * Imported as `#platform`, which the `imports` of package.json resolve to `node.ts` or `portable.ts`; both answer alike.
 */
export interface Platform {
  readonly textOf: (bytes: Uint8Array) => TextReader
  /** A zlib stream that is the whole of its bytes. */
  readonly decodeZlib: Decode
  /** Gzip members that are the whole of their bytes. */
  readonly decodeGzip: Decode
  /** A raw DEFLATE stream. */
  readonly inflateRaw: Decode
  readonly crc32: (bytes: Uint8Array) => number
  /** In hex. */
  readonly sha256: (bytes: Uint8Array) => string
}

const corrupt = (what: string): ModelError =>
  new ModelError('corrupt', `the compression of the file ${what}`, { hint: 'copy it again' })

export const brokenStream = (): ModelError => corrupt('is broken or ends in the middle')
export const followedStream = (): ModelError => corrupt('is followed by something else')
