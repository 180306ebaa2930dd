import type { LoggedRow } from '../segments/record.ts'
import type { RowQuery } from './row-query.ts'

/** A Parquet file in a staging folder, and where below the folder of predictions it belongs. */
export type StagedFile = { readonly name: string; readonly target: string; readonly rows: number }

export type Compacted = {
  readonly files: readonly StagedFile[]
  /** Bytes of segments that hold no whole record. */
  readonly lostBytes: number
  /** Records that were whole but made no sense. */
  readonly malformed: number
}

/** What the analytics process does, by name: what it is given and what it answers. */
export type AnalyticsWork = {
  /** Turns segments into Parquet files in `staging`, one per deployment and hour. */
  compact: { ask: { segments: readonly string[]; staging: string; id: string }; answer: Compacted }
  /** Makes one file of many of the same deployment and hour. */
  merge: {
    ask: { files: readonly string[]; deployment: string; staging: string; id: string }
    answer: StagedFile
  }
  find: { ask: { files: readonly string[]; query: RowQuery }; answer: LoggedRow[] }
}

export type AnalyticsKind = keyof AnalyticsWork
export type AnalyticsRequest = {
  [K in AnalyticsKind]: { readonly number: number; readonly kind: K; readonly ask: AnalyticsWork[K]['ask'] }
}[AnalyticsKind]
export type AnalyticsReply =
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly error: string }
