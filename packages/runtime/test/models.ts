import { readFileSync } from 'node:fs'
import type { Frame } from '@millwright/engine'
import { compileBytes } from '../../engine/src/sandbox/compile.ts'

/** The encoded program of an ONNX file. */
export function encodedProgram(path: string | URL): Uint8Array {
  const outcome = compileBytes(readFileSync(path), {})
  if ('refusal' in outcome) throw new Error(outcome.refusal.message)
  return outcome.compiled.program
}

/** A model of fixtures/: `x`, rows of two numbers, to `y`. */
export const model = (name: string): Uint8Array =>
  encodedProgram(new URL(`fixtures/${name}.onnx`, import.meta.url))

export const rowsOf = (...rows: readonly (readonly [number, number])[]): Frame => ({
  rows: rows.length,
  numbers: Float64Array.from(rows.flat()),
  cells: [],
})
