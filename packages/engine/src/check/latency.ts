import { allOutputs } from '../exec/reference.ts'
import { joinRows } from '../ir/frames.ts'
import type { Executable, Frame } from '../ir/program.ts'
import { percentile } from '../math/percentile.ts'
import { acceptedRows } from './accepted-rows.ts'

/** Microseconds per row: half of the runs, and 99 of 100, took at most as long. */
type Quantiles = { readonly p50: number; readonly p99: number }

/** What a row costs on this machine, alone and in a batch; validation and transport are not in it. */
export type Latency = { readonly single: Quantiles; readonly batch: Quantiles & { readonly rows: number } }

const ROWS = 256
const SEED = 3
const FEWEST_RUNS = 50

/**
 * Times every method of a model on boundary rows for about three times `millis`: to warm up, row by row, in batches.
 * @returns undefined when the model raises on every row
 */
export function measureLatency(executable: Executable, millis = 50): Latency | undefined {
  const singles = acceptedRows(executable, ROWS, SEED)
  if (singles.length === 0) return undefined
  const batch = joinRows(singles)
  timesOf(executable, [...singles, batch], millis)
  return {
    single: quantilesOf(timesOf(executable, singles, millis)),
    batch: { ...quantilesOf(timesOf(executable, [batch], millis)), rows: batch.rows },
  }
}

/** Microseconds per row of every run. */
function timesOf(executable: Executable, frames: readonly Frame[], millis: number): number[] {
  const outputs = allOutputs(executable.program)
  const times: number[] = []
  for (const end = performance.now() + millis; performance.now() < end || times.length < FEWEST_RUNS; )
    for (const frame of frames) {
      const start = performance.now()
      executable.run(frame, outputs)
      times.push(((performance.now() - start) * 1000) / frame.rows)
    }
  return times
}

/** Of microseconds per row. */
export const quantilesOf = (times: readonly number[]): Quantiles => ({
  p50: percentile(times, 50),
  p99: percentile(times, 99),
})
