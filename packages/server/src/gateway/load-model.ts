import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Executable, Frame } from '@millwright/engine'
import { decodeProgram } from '@millwright/engine/codec'
import { compileProgram } from '@millwright/engine/compiled'
import { type BlobStore, readBlob } from '../blobs/blob-store.ts'
import type { LoadedProgram } from './served.ts'

/** Turns of the warm-up; enough for the engine's own compiler to settle, some milliseconds for a small model. */
const WARM_UP_RUNS = 200
const WARM_UP_MS = 200
/** Longest it holds the event loop, unless one row takes longer. */
const TURN_MS = 5

/**
 * Reads a program from the blob store, checks that it is the one asked for, compiles and warms it.
 * @throws Error that names the digest when the blob is missing, damaged or not a program
 */
export async function loadProgram(blobs: BlobStore, digest: string): Promise<LoadedProgram> {
  const bytes = await readBlob(blobs, digest)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== digest)
    throw new Error(
      `program ${digest} is damaged on disk (its sha256 is ${found}); deploy the model file again`,
    )
  const executable = compileProgram(decodeProgram(bytes))
  return { digest, executable, rowMicroseconds: await warmUp(executable) }
}

/** Predicts a row of zeros over and over, between other requests. Returns what one row costs, in microseconds. */
async function warmUp(executable: Executable): Promise<number> {
  const { inputs, outputs } = executable.program
  const cells = inputs.filter((column) => column.kind === 'cell').length
  const frame: Frame = {
    rows: 1,
    numbers: new Float64Array(inputs.length - cells),
    cells: new Array(cells).fill(null),
  }
  const methods = outputs.map((output) => output.name)
  const startedAt = performance.now()
  let turnAt = startedAt
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < WARM_UP_RUNS && turnAt - startedAt < WARM_UP_MS; run++) {
    const runAt = performance.now()
    runQuietly(executable, frame, methods)
    const endedAt = performance.now()
    best = Math.min(best, endedAt - runAt)
    if (endedAt - turnAt < TURN_MS) continue
    await nextTurn()
    turnAt = performance.now()
  }
  return Math.max(1, best * 1000)
}

/** A row of zeros may be one the model refuses. */
function runQuietly(executable: Executable, frame: Frame, methods: Parameters<Executable['run']>[1]): void {
  try {
    executable.run(frame, methods)
  } catch {
    // A refusal costs about as much as an answer.
  }
}
