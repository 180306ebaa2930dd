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
const SINGLES = 64
const BATCH = 256
/** Rows in batches until the kernel for large batches has been chosen, and most time for it. */
const SETTLED_ROWS = 60_000
const SETTLE_MS = 1000

/** Best times of the answer to the rows given, alone and together. */
export function measureCost(program: Program, frame: Frame, method: Method): Cost {
  const executable = compileProgram(program)
  const run = (part: Frame): unknown => executable.run(part, [method])
  const singles = Array.from({ length: Math.min(SINGLES, frame.rows) }, (_, row) =>
    pickRows(program, frame, [row]),
  )
  const first = Array.from({ length: Math.min(BATCH, frame.rows) }, (_, row) => row)
  const batch = pickRows(program, frame, first)
  warmUp(executable, WARM_MS)
  const end = performance.now() + SETTLE_MS
  for (let rows = 0; rows < SETTLED_ROWS && performance.now() < end; rows += batch.rows) run(batch)
  return {
    bytes: encodeProgram(program).length,
    single: bestMicros(() => singles.forEach(run)) / singles.length,
    batch: bestMicros(() => run(batch)) / batch.rows,
  }
}

function bestMicros(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (const end = performance.now() + MEASURE_MS; performance.now() < end; ) {
    const start = performance.now()
    run()
    best = Math.min(best, performance.now() - start)
  }
  return best * 1000
}
