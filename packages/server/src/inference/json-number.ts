import type { Cell } from '@millwright/engine'

/** JSON of a number; what JSON has no number for is a string: "NaN", "Infinity", "-Infinity". */
export const jsonNumber = (value: number): string => (Number.isFinite(value) ? `${value}` : `"${value}"`)

/** JSON of one value of a model's input or answer. */
export function jsonCell(value: Cell): string {
  if (typeof value === 'number') return jsonNumber(value)
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
