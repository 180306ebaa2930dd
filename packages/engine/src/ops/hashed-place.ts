import { hashColumn, murmur } from '../text/murmur.ts'

/** Where a name counts: its column and what it adds; column −1 for one that does not. */
export type Place = { column: number; value: number }

/** The column that a name's hash chooses, and the sign. @throws RowError for text that has no UTF-8 */
export function placeByHash(
  name: string,
  { width, alternate }: { readonly width: number; readonly alternate: boolean },
  place: Place,
): void {
  const hash = murmur(name)
  place.column = hashColumn(hash, width)
  place.value = alternate && hash < 0 ? -1 : 1
}
