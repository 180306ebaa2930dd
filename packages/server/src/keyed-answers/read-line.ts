import type { RandomAccess } from '../blobs/blob-store.ts'
import { LINE_BYTES, type Line, parseLine } from './line.ts'

/** Most lines are shorter. */
const USUAL_BYTES = 1 << 10
const NEWLINE = 0x0a

/** The line that begins at an offset. @throws RangeError when none does */
export async function readLine(file: RandomAccess, offset: number): Promise<Line> {
  for (const size of [USUAL_BYTES, LINE_BYTES]) {
    const bytes = Buffer.allocUnsafe(size)
    const read = bytes.subarray(0, await file.read(bytes, offset))
    const end = read.indexOf(NEWLINE)
    if (end !== -1) return parseLine(read.toString('utf8', 0, end))
    // The last line may have no end.
    if (read.length < size) return parseLine(read.toString())
  }
  throw new RangeError(`expected a line of at most ${LINE_BYTES} bytes`)
}
