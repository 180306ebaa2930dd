import type { Decision, ModelSchema } from '@millwright/contracts'
import type { Layouts } from '@millwright/engine/place'
import type { Values } from './scorer.ts'
import type { TextPlan } from './text-rows.ts'

/** What a thread is started with. The forests of the program lie in memory once, in `layouts`. */
export type WorkerStart = {
  readonly program: SharedArrayBuffer
  readonly layouts: readonly Layouts[]
  readonly seat: number
  readonly seats: number
  readonly schema: ModelSchema
  readonly decision: Decision | null
  /** undefined: rows come as columns. */
  readonly text: TextPlan | undefined
  /** Written beside every answer. */
  readonly version: string
}

/** Rows as text; or the model's columns, of which those of numbers have NaN where a value is missing. */
export type Order =
  | { readonly text: Uint8Array<ArrayBuffer> }
  | { readonly rows: number; readonly columns: readonly (Float64Array<ArrayBuffer> | readonly unknown[])[] }

/** A row without an answer: JSON of the reasons, and of the row where the order was text. */
type RejectedRow = {
  readonly index: number
  readonly errors: string
  readonly data: string | undefined
}

/** Lines of the rows that have answers, or the answers by output column. */
export type Piece = {
  readonly rows: number
  readonly rejects: readonly RejectedRow[]
  readonly lines: Uint8Array<ArrayBuffer>
  readonly good: readonly number[]
  readonly values: readonly Values[]
}

export type Reply = { readonly piece: Piece } | { readonly error: string; readonly hints: readonly string[] }
