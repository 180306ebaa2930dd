import {
  compileProgram,
  encodeProgram,
  type Frame,
  type Method,
  type Program,
  warmUp,
} from '@millwright/engine'
import { pickRows } from '../frame.ts'

/** What a model costs: bytes as it is stored and loaded, microseconds per row on this machine. */
export type Cost = { readonly bytes: number; readonly single: number; readonly batch: number }

const WARM_MS = 20
const MEASURE_MS = 40
/** Single rows, and how many of them are timed at once: what disturbs one measurement does not disturb all. */
const SINGLES = 64
const TIMED_ROWS = 8
const BATCH = 256
/** Rows in batches until the kernel for large batches has been chosen, and most time for it. */
const SETTLED_ROWS = 60_000
const SETTLE_MS = 1000

/** Best times of the answer to the rows given, alone and together. */
export function measureCost(program: Program, frame: Frame, method: Method): Cost {
  const executable = compileProgram(program)
  const run = (part: Frame): unknown => executable.run(part, [method])
  const rows = Array.from({ length: frame.rows }, (_, row) => row)
  const singles = rows.slice(0, SINGLES).map((row) => pickRows(program, frame, [row]))
  const groups = Array.from({ length: Math.ceil(singles.length / TIMED_ROWS) }, (_, i) => {
    const group = singles.slice(i * TIMED_ROWS, (i + 1) * TIMED_ROWS)
    return () => group.forEach(run)
  })
  const batch = pickRows(program, frame, rows.slice(0, BATCH))
  warmUp(executable, WARM_MS)
  const single = bestMicros(groups) / singles.length
  const end = performance.now() + SETTLE_MS
  for (let settled = 0; settled < SETTLED_ROWS && performance.now() < end; settled += batch.rows) run(batch)
  return { bytes: encodeProgram(program).length, single, batch: bestMicros([() => run(batch)]) / batch.rows }
}

/** Sum of the best time of each. */
function bestMicros(parts: readonly (() => unknown)[]): number {
  const best = new Float64Array(parts.length).fill(Number.POSITIVE_INFINITY)
  for (const end = performance.now() + MEASURE_MS; performance.now() < end; )
    for (const [i, part] of parts.entries()) {
      const start = performance.now()
      part()
      best[i] = Math.min(best[i]!, performance.now() - start)
    }
  return 1000 * best.reduce((sum, millis) => sum + millis, 0)
}
