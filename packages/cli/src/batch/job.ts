import type { Separator } from '@millwright/inference/csv'
import type { Mark } from './journal.ts'
import type { BatchModel } from './model.ts'
import type { Format } from './parquet-write.ts'
import type { OutputColumn } from './scorer.ts'
import type { TextPlan } from './text-rows.ts'
import type { Order, Piece } from './worker-protocol.ts'

/** A file of rows; what stands between fields counts where it is CSV. */
export type TableFile = { readonly path: string; readonly format: Format; readonly separator: Separator }

/** A file to score. */
export type Task = {
  readonly model: BatchModel
  readonly input: TableFile
  readonly output: TableFile
  readonly keep: readonly string[] | undefined
  readonly rejectsPath: string
  /** Of the model, and of its answers. */
  readonly names: readonly string[]
  readonly outputs: readonly OutputColumn[]
}

/** The column that says which version answered. */
export const VERSION_COLUMN = 'model_version'

/** How a kind of file is read, and what comes of it gathered and written. */
export type Job = {
  /** What threads need to know of it; undefined: rows come as columns. */
  readonly text: TextPlan | undefined
  /** Bytes, or rows, of the input: where `next` ends. */
  readonly total: number
  pieces(from: number): AsyncIterable<{ readonly order: Order; readonly next: number }>
  /** @param rows of the file before the piece */
  append(piece: Piece, rows: number): Promise<void>
  /** Puts what was appended on the disk. */
  sync(): Promise<Pick<Mark, 'out' | 'rejects'>>
  /** Puts the output and the rejected rows where they belong, whole. Can be called again after it was interrupted. */
  finish(mark: Mark): Promise<void>
  close(): Promise<void>
}

/** One line for each rejected row, numbered from 1; with the row itself where the piece has it. @param rows before the piece */
export const rejectLines = ({ rejects }: Piece, rows: number): string =>
  rejects
    .map(({ index, errors, data }) => {
      const row = data === undefined ? '' : `,"data":${data}`
      return `{"row":${rows + index + 1},"errors":${errors}${row}}\n`
    })
    .join('')
