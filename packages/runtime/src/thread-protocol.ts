import type { Cell, Method } from '@millwright/engine'
import type { CompiledProgram, Numbers } from '@millwright/engine/compiled'
import type { Layouts } from '@millwright/engine/place'
import type { RowFault } from './protocol.ts'

/** What a thread begins with: its seat, and of how many. */
export type ThreadStart = { readonly seat: number; readonly seats: number }

/** What a thread is told of a model. Programs and what kernels laid out lie in memory that all threads read. */
export type ThreadNews =
  /** A model, or of one that is known what its kernels have laid out since. */
  | { readonly open: number; readonly bytes: SharedArrayBuffer; readonly layouts: readonly Layouts[] }
  | { readonly close: number }

/**
 * Rows of a run: their numbers are read, and those of the answers written, where they are in memory that is shared.
 * Their cells are sent along.
 */
export type ThreadOrder = {
  readonly model: number
  readonly rows: number
  readonly numbers: Float64Array
  readonly cells: readonly Cell[]
  readonly methods: readonly Method[]
  readonly results: Numbers
}

/** Checks the bytes of a program, and lays out what its kernels need for outputs that all threads use. */
export type PrepareOrder = { readonly prepare: SharedArrayBuffer; readonly seats: number }

/** What was found, or why the program cannot be run. */
export type Prepared = Pick<CompiledProgram, 'types' | 'layouts'>
export type PrepareReply = Prepared | { readonly error: string }

/** One for each order of rows: cells of the answers by node, what the kernels laid out meanwhile, or why there is no answer. */
export type ThreadReply =
  | {
      readonly cells: readonly (readonly Cell[] | undefined)[]
      readonly layouts?: readonly Layouts[]
    }
  | { readonly rowFault: RowFault }
  | { readonly error: string }
