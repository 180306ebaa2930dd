import type { Answer, Cell, Method } from '@millwright/engine'
import type { RowFault } from './protocol.ts'

/** What a thread begins with: the encoded program, in memory that all threads read. */
export type ThreadStart = { readonly program: SharedArrayBuffer }

/** Rows of a frame: their numbers stay where they are, in memory that is shared, their cells are sent along. */
export type ThreadOrder = {
  readonly rows: number
  readonly numbers: Float64Array
  readonly cells: readonly Cell[]
  readonly methods: readonly Method[]
}

/** One for each order. A fault counts rows from the order's first. */
export type ThreadReply =
  | { readonly answers: readonly Answer[] }
  | { readonly rowFault: RowFault }
  | { readonly error: string }
