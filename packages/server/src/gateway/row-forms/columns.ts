import type { FieldError, SchemaColumn } from '@millwright/contracts'
import { describe, listed } from '@millwright/inference/convert'
import { pointerTo } from '@millwright/inference/validate'
import type { DoorDeps } from '../door.ts'
import { invalidFields } from '../rows.ts'
import type { Served } from '../served.ts'

/** The columns of a model, and what becomes of names that are none of them. */
export type Columns = {
  readonly inputs: readonly SchemaColumn[]
  readonly names: readonly string[]
  readonly known: ReadonlySet<string>
  /** Most rows that are taken; checked before anything is made of them. */
  readonly maxRows: number
  /** They are left out, as pandas leaves them out; else they are refused. */
  readonly ignoresExtra: boolean
}

export function columnsOf({ maxRows }: DoorDeps, served: Served, ignoresExtra = false): Columns {
  const { names } = served.readers.tensor
  const { version, limits } = served.routed
  const { inputs } = version.schema
  return { inputs, names, known: new Set(names), maxRows: limits?.rows ?? maxRows, ignoresExtra }
}

/** The model was fitted without column names: callers use names of their own, and the order counts. */
export const isUnnamed = (inputs: readonly SchemaColumn[]): boolean =>
  inputs.every(({ name }, index) => /^[xf]\d+$/.test(name) && name.slice(1) === `${index}`)

/** Most names that an answer lists as unknown. */
const SHOWN = 50

export const faultAt = (pointer: string, code: string, message: string): FieldError => ({
  pointer,
  code,
  message,
})

export const wrongWidth = (pointer: string, names: readonly string[], got: unknown): FieldError =>
  faultAt(
    pointer,
    'wrong_length',
    `expected a row of ${names.length} values (${listed(names)}), got ${describe(got)}`,
  )

/**
 * Which of the names given each column goes by, in the model's order. A name may be missing: what stands there does.
 * @throws MillwrightError VALIDATION_FAILED naming those that are no columns
 */
export function resolveNames(given: readonly string[], columns: Columns, pointer: string): readonly string[] {
  const { inputs, names, known, ignoresExtra } = columns
  const unknown = given.filter((name) => !known.has(name))
  if (unknown.length === 0) return names
  if (unknown.length === names.length && given.length === names.length && isUnnamed(inputs)) return given
  if (ignoresExtra) return names
  throw invalidFields(
    unknown
      .slice(0, SHOWN)
      .map((name) =>
        faultAt(
          `${pointer}${pointerTo(name)}`,
          'unknown_field',
          `${name.slice(0, 64)}: the model has no such column; it reads ${listed(names)}`,
        ),
      ),
    unknown.length,
  )
}
