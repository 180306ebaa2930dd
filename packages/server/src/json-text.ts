import type { Cell } from '@millwright/engine'

/** JSON of a number; what JSON has no number for is a string: "NaN", "Infinity", "-Infinity". */
export const jsonNumber = (value: number): string => (Number.isFinite(value) ? `${value}` : `"${value}"`)

/** Characters that stand for themselves in a JSON string. */
const PLAIN = /^[ !#-[\]-~]*$/

/** A string that only needs quotes to be JSON. */
export const isPlain = (value: string): boolean => PLAIN.test(value)

/** JSON of a string. Most strings here are ids and names: one look at them costs a third of `JSON.stringify`. */
export const jsonString = (value: string): string => (isPlain(value) ? `"${value}"` : JSON.stringify(value))

/** JSON of one value of a model's input or answer. */
export function jsonCell(value: Cell): string {
  if (typeof value === 'number') return jsonNumber(value)
  return typeof value === 'string' ? jsonString(value) : String(value)
}

/** The same for dialects that read null as a missing number: what JSON has no number for is null. */
export const jsonCellOrNull = (value: Cell): string =>
  typeof value === 'number' && !Number.isFinite(value) ? 'null' : jsonCell(value)
