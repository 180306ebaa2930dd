import { createHash } from 'node:crypto'
import type { Cell, Frame, Method } from '@millwright/engine'

/**
 * What cached answers are found by: the version, what is asked of it, and the rows as the model reads them, so that it
 * does not matter in which dialect, order or spelling they came.
 * @param version who answers; no other version is called the same
 */
export function cacheKey(
  version: string,
  { rows, numbers, cells }: Frame,
  methods: readonly Method[],
): string {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  const hash = createHash('sha256').update(`${version}\n${methods.join()}\n${rows}\n`).update(bytes)
  if (cells.length > 0) hash.update(JSON.stringify(cells.map(spell)))
  return hash.digest('base64url')
}

/** JSON has neither NaN, which is another missing value than null, nor −0. */
const spell = (cell: Cell): unknown =>
  typeof cell === 'number' && !(Number.isFinite(cell) && !Object.is(cell, -0))
    ? [Object.is(cell, -0) ? '-0' : String(cell)]
    : cell
