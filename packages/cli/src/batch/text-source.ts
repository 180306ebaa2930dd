import type { FileHandle } from 'node:fs/promises'
import { readRecord, type Separator, skipEmptyLines } from '@millwright/inference/csv'
import { CommandError } from '../command.ts'

/** Bytes of a piece: some hundred rows or more, beside which handing it over costs nothing. */
const PIECE_BYTES = 1 << 18
/** Longest row: what is longer is a file whose quotes do not close, or no rows at all. */
const ROW_BYTES = 64 << 20

const NEWLINE = 10
const QUOTE = 34

/** Whole rows, and where in the file the next ones begin. */
type TextPiece = { readonly order: { readonly text: Uint8Array<ArrayBuffer> }; readonly next: number }

/**
 * Rows of a file from a byte on, in pieces that end where a row does.
 * @param quoted a newline between quotes ends no row
 * @throws CommandError for a row that does not end
 */
export async function* piecesOf(file: FileHandle, from: number, quoted: boolean): AsyncGenerator<TextPiece> {
  let rest = Buffer.alloc(0)
  let next = from
  for (;;) {
    const block = Buffer.allocUnsafe(Math.max(PIECE_BYTES, rest.length))
    const { bytesRead } = await file.read(block, 0, block.length, next + rest.length)
    const bytes = Buffer.concat([rest, block.subarray(0, bytesRead)])
    const end = bytesRead === 0 ? bytes.length : endOfRows(bytes, quoted)
    if (end > 0) {
      next += end
      yield { order: { text: Uint8Array.from(bytes.subarray(0, end)) }, next }
    }
    if (bytesRead === 0) return
    rest = bytes.subarray(end)
    if (rest.length > ROW_BYTES)
      throw new CommandError(`the row at byte ${next} does not end within ${ROW_BYTES >> 20} MiB`, [
        quoted ? 'look for a quote that is not closed' : 'rows are lines that end with a newline',
      ])
  }
}

/** Length of the whole rows that bytes start with. */
export function endOfRows(bytes: Buffer, quoted: boolean): number {
  let end = 0
  let at = 0
  for (let quote = quoted ? bytes.indexOf(QUOTE) : -1; quote !== -1; quote = bytes.indexOf(QUOTE, at)) {
    const newline = quote === 0 ? -1 : bytes.lastIndexOf(NEWLINE, quote - 1)
    if (newline >= at) end = newline + 1
    const close = bytes.indexOf(QUOTE, quote + 1)
    if (close === -1) return end
    at = close + 1
  }
  const newline = bytes.lastIndexOf(NEWLINE)
  return newline >= at ? newline + 1 : end
}

/** First byte of a text: behind the byte order mark. */
export async function startOf(file: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(3), 0, 3, 0)
  return bytesRead === 3 && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf ? 3 : 0
}

export type Header = { readonly names: readonly string[]; readonly text: string; readonly next: number }

/** The line that names the columns of a CSV file, and where the rows begin. @throws CommandError */
export async function readHeader(file: FileHandle, path: string, separator: Separator): Promise<Header> {
  const start = await startOf(file)
  for await (const { order } of piecesOf(file, start, true)) {
    const text = new TextDecoder().decode(order.text)
    const at = skipEmptyLines(text, 0)
    if (at === text.length) break
    const record = readRecord(text, at, separator)
    if (record === undefined) throw new CommandError(`${path}: the quotes of the first line do not close`)
    if (record.fields.length === 1 && /[;\t]/.test(record.fields[0]!))
      throw new CommandError(`${path} is not separated by ${separator === ',' ? 'commas' : 'tabs'}`, [
        'save it with commas and the extension .csv, or with tabs and .tsv',
      ])
    const line = text.slice(at, record.next)
    return { names: record.fields, text: line, next: start + Buffer.byteLength(text.slice(0, record.next)) }
  }
  throw new CommandError(`${path} is empty; its first line should name the columns`)
}
