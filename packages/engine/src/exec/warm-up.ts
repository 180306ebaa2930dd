import { acceptedRows } from '../check/accepted-rows.ts'
import { joinRows } from '../ir/frames.ts'
import type { Executable, Frame } from '../ir/program.ts'
import { allOutputs } from './reference.ts'

const ROWS = 64
const SEED = 2

/**
 * Runs an executable on rows of its own for about `millis` milliseconds, single rows and batches in turn, so that
 * JavaScript and WebAssembly are optimised before the first request. 50 ms are enough for most programs.
 */
export function warmUp(executable: Executable, millis: number): void {
  const outputs = allOutputs(executable.program)
  const accepted = acceptedRows(executable, ROWS, SEED)
  if (accepted.length === 0) return
  const frames: readonly Frame[] = [...accepted, joinRows(accepted)]
  for (const end = performance.now() + millis; performance.now() < end; )
    for (const frame of frames) executable.run(frame, outputs)
}
