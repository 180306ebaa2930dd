import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 2_000
/** Busier than this, a process is left alone: somebody would wait. */
const QUIET = 0.03
/** A collection stops the process for some milliseconds: less than this is not worth one. */
const WORTH_BYTES = 16 * 2 ** 20

/**
 * Collects, whenever it has been quiet for a moment, what starting, reading a model or a burst of requests left behind.
 * V8 would keep it until the heap grows, which an idle process never does. Measured in the commit that brought it.
 */
export function settleMemoryWhenQuiet(): void {
  let held = 0
  let since = performance.eventLoopUtilization()
  const look = (): void => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, since)
    since = now
    if (utilization >= QUIET || heldBytes() < held + WORTH_BYTES) return
    collect()
    held = heldBytes()
  }
  setInterval(look, LOOK_MS).unref()
}

/** JavaScript's heap, and what it keeps outside of it. */
function heldBytes(): number {
  const { heapTotal, external } = process.memoryUsage()
  return heapTotal + external
}

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', flavor: 'last-resort' })
}
