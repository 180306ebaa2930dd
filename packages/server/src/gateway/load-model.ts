import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Frame, Program } from '@millwright/engine'
import { decodeProgram } from '@millwright/engine/codec'
import { compileProgram } from '@millwright/engine/compiled'
import { isHosted } from '@millwright/engine/hosted'
import { type HostLimits, openHost } from '@millwright/runtime/host'
import { type BlobStore, readBlob } from '../blobs/blob-store.ts'
import type { Engine, LoadedProgram } from './served.ts'

/** Turns of the warm-up; enough for the engine's own compiler to settle, some milliseconds for a small model. */
const WARM_UP_RUNS = 200
const WARM_UP_MS = 200
/** Longest it holds the event loop, unless one row takes longer. */
const TURN_MS = 5

/**
 * Reads a program from the blob store, checks that it is the one asked for, compiles and warms it; one that a host has to
 * run gets its process.
 * @throws Error that names the digest when the blob is missing, damaged or not a program
 * @throws ModelError when the host cannot load it
 */
export async function loadProgram(
  blobs: BlobStore,
  digest: string,
  hostLimits: HostLimits,
): Promise<LoadedProgram> {
  const bytes = await readBlob(blobs, digest)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== digest)
    throw new Error(
      `program ${digest} is damaged on disk (its sha256 is ${found}); deploy the model file again`,
    )
  const program = decodeProgram(bytes)
  const engine: Engine = isHosted(program)
    ? { kind: 'hosted', host: await openHost(bytes, hostLimits) }
    : { kind: 'inline', executable: compileProgram(program) }
  return { digest, program, engine, rowMicroseconds: await warmUp(program, engine) }
}

/** Predicts a row of zeros over and over, between other requests. Returns what one row costs, in microseconds. */
async function warmUp(program: Program, engine: Engine): Promise<number> {
  const run = runOf(program, engine)
  const startedAt = performance.now()
  let turnAt = startedAt
  let best = Number.POSITIVE_INFINITY
  for (let turn = 0; turn < WARM_UP_RUNS && turnAt - startedAt < WARM_UP_MS; turn++) {
    const runAt = performance.now()
    const running = run()
    if (running !== undefined) await running
    const endedAt = performance.now()
    best = Math.min(best, endedAt - runAt)
    if (endedAt - turnAt < TURN_MS) continue
    await nextTurn()
    turnAt = performance.now()
  }
  return Math.max(1, best * 1000)
}

/** A row of zeros may be one the model refuses, which costs about as much as an answer. */
function runOf({ inputs, outputs }: Program, engine: Engine): () => Promise<void> | undefined {
  const cells = inputs.filter((column) => column.kind === 'cell').length
  const frame: Frame = {
    rows: 1,
    numbers: new Float64Array(inputs.length - cells),
    cells: new Array(cells).fill(engine.kind === 'inline' ? null : ''),
  }
  const methods = outputs.map((output) => output.name)
  if (engine.kind === 'hosted')
    return () =>
      engine.host.run(frame, methods).then(
        () => {},
        () => {},
      )
  return () => {
    try {
      engine.executable.run(frame, methods)
    } catch {}
    return undefined
  }
}
