import type { MuxLayout } from '../wasm/mux-memory.ts'
import type { ForestLayout } from '../wasm/tree-memory.ts'
import type { DenseLayout } from './dense.ts'

/** What the kernels of a node have laid out in memory and compiled: data that threads can be given. */
export type Layouts = {
  forest?: ForestLayout | undefined
  dense?: DenseLayout
  /** The kernel for large batches, once it was found to be the faster one. */
  mux?: MuxLayout
}

/**
 * Threads that share a program have a seat each: its number is where their rows and results are in a memory that holds
 * the model once.
 */
export type Seat = {
  readonly number: number
  /** Seats of a memory that is laid out here; 1: it is not shared. */
  readonly of: number
  /** Whether this thread looks for kernels that are faster; others take those that it found. */
  readonly isPioneer: boolean
}

/** Where the kernels of a node run. */
export type Place = { readonly seat: Seat; readonly layouts: Layouts }
