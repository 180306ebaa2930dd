import { isUtf8 } from 'node:buffer'
import { MillwrightError } from '@millwright/contracts/errors'
import { assertJsonDepth, endOfString } from '../json-depth.ts'
import { describeJsonFault } from './json-fault.ts'

/** A number of the body as it was spelt. */
export class NumberLiteral {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/** Text of a body: UTF-8 with or without byte-order mark. @throws MillwrightError INVALID_JSON */
export function decodeUtf8(body: Buffer): string {
  if (!isUtf8(body)) throw invalid('the bytes are not UTF-8')
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  return body.toString('utf8', start)
}

/**
 * Text of a body as Python's `json.loads` reads bytes: UTF-16 is told from UTF-8 by its mark or by where the zero bytes
 * of the first two characters are.
 */
export function decodeLikePython(body: Buffer): string {
  const [a, b] = [body[0], body[1]]
  if (a === 0xff && b === 0xfe) return body.subarray(2).toString('utf16le')
  if (a === 0xfe && b === 0xff) return bigEndian(body.subarray(2))
  if (body.length >= 2 && a === 0 && b !== 0) return bigEndian(body)
  if (body.length >= 2 && a !== 0 && b === 0) return body.toString('utf16le')
  return decodeUtf8(body)
}

const bigEndian = (bytes: Buffer): string =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le')

/**
 * Parses a body of at most `depth` levels. A key `__proto__` becomes a field like any other; of equal keys the last one counts.
 * @throws MillwrightError INVALID_JSON with the position, never with text of the body
 */
export function parseJson(text: string, depth: number): unknown {
  assertJsonDepth(text, depth)
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(describeJsonFault(text))
  }
}

/** Where a string begins, or a token that Python writes and JSON does not know. */
const QUOTE_OR_TOKEN = /"|-?\bInfinity\b|\bNaN\b/g
const TOKENS: Readonly<Record<string, string>> = { NaN: 'null', Infinity: '1e999', '-Infinity': '-1e999' }

/**
 * The same with the bare tokens NaN, Infinity and -Infinity, which Python clients send: NaN is read as null.
 * @throws MillwrightError INVALID_JSON
 */
export function parseJsonWithNaN(text: string, depth: number): unknown {
  try {
    return parseJson(text, depth)
  } catch (error) {
    const replaced = replaceTokens(text)
    if (replaced === text) throw error
    return parseJson(replaced, depth)
  }
}

/** Strings are skipped, not matched: one that does not end would be looked through again from each of its quotes. */
function replaceTokens(text: string): string {
  const pieces: string[] = []
  let from = 0
  QUOTE_OR_TOKEN.lastIndex = 0
  for (let match = QUOTE_OR_TOKEN.exec(text); match !== null; match = QUOTE_OR_TOKEN.exec(text)) {
    const [found] = match
    if (found === '"') QUOTE_OR_TOKEN.lastIndex = endOfString(text, match.index) + 1
    else {
      pieces.push(text.slice(from, match.index), TOKENS[found]!)
      from = QUOTE_OR_TOKEN.lastIndex
    }
  }
  return pieces.join('') + text.slice(from)
}

/** Parses text that `parseJson` took, keeping numbers as they were spelt. */
export function parseKeepingNumbers(text: string): unknown {
  const keep = (_key: string, value: unknown, context: { source?: string }): unknown =>
    typeof value === 'number' ? new NumberLiteral(context.source ?? String(value)) : value
  // The third argument of the reviver is newer than TypeScript's library.
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown)
}

const invalid = (detail: string): MillwrightError => new MillwrightError('INVALID_JSON', { detail })
