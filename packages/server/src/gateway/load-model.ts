import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Frame, Program } from '@millwright/engine'
import { isHosted } from '@millwright/engine/hosted'
import { type BatchedHost, type BatchOptions, batched } from '@millwright/runtime/batching'
import { type Host, type HostLimits, openHost } from '@millwright/runtime/host'
import type { Pool } from '@millwright/runtime/pool'
import type { BlobStore } from '../blobs/blob-store.ts'
import { createLane } from './admission.ts'
import type { Engine, LoadedProgram } from './served.ts'

/** Turns of the warm-up; enough for the engine's own compiler to settle, some milliseconds for a small model. */
const WARM_UP_RUNS = 200
const WARM_UP_MS = 200
/** Longest it holds the event loop, unless one row takes longer. */
const TURN_MS = 1

/** Rows that a host runs at once when requests for it wait. */
const BATCH_ROWS = 256
/** Rows tried together to see what one of several takes, and how much less that must be for batches to pay. */
const TRIED_ROWS = 16
const PAYS = 0.7

export type LoadOptions = {
  readonly hostLimits: HostLimits
  /** Of this process. */
  readonly pool: Pool
  /** Longest a run waits for others when a host has nothing to do, in milliseconds. */
  readonly batchWaitMs: number
  readonly onBatch: BatchOptions['onBatch']
}

/**
 * Reads a program from the blob store, checks that it is the one asked for, compiles and warms it; one that a host has to
 * run gets its process.
 * @throws Error that names the digest when the blob is missing, damaged or not a program
 * @throws ModelError when the host cannot load it
 */
export async function loadProgram(
  blobs: BlobStore,
  digest: string,
  options: LoadOptions,
): Promise<LoadedProgram> {
  const bytes = await readShared(blobs, digest)
  const shared = await options.pool.load(bytes)
  const { program } = shared
  if (!isHosted(program)) {
    const pooled = options.pool.open(shared)
    const engine: Engine = { kind: 'inline', executable: pooled.executable, pooled }
    return { digest, program, engine, ...(await costOf(program, engine)) }
  }
  const host = await openHost(Buffer.from(bytes), options.hostLimits)
  const lane = createLane()
  const alone: Engine = { kind: 'hosted', host: unbatched(host), lane }
  const cost = await costOf(program, alone)
  const pays = cost.batchMicroseconds < PAYS * cost.rowMicroseconds
  const engine: Engine = pays ? { kind: 'hosted', host: batchedHost(host, options), lane } : alone
  return { digest, program, engine, ...cost }
}

/**
 * A blob in memory that threads share; read, copied and hashed piece by piece.
 * @throws Error when it is missing or damaged
 */
async function readShared(blobs: BlobStore, digest: string): Promise<SharedArrayBuffer> {
  const size = (await blobs.head(digest))?.bytes ?? 0
  const bytes = new SharedArrayBuffer(size)
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of blobs.get(digest)) {
    const piece = (chunk as Buffer).subarray(0, size - length)
    new Uint8Array(bytes, length, piece.length).set(piece)
    hash.update(piece)
    length += piece.length
  }
  const found = hash.digest('hex')
  if (found === digest) return bytes
  throw new Error(
    `program ${digest} is damaged on disk (its sha256 is ${found}); deploy the model file again`,
  )
}

async function costOf(program: Program, engine: Engine) {
  const rowMicroseconds = await warmUp(program, engine, 1)
  const together = await warmUp(program, engine, TRIED_ROWS)
  return { rowMicroseconds, batchMicroseconds: together / TRIED_ROWS }
}

/** One after the other; who goes away meanwhile is computed all the same. */
const unbatched = (host: Host): BatchedHost => ({
  run: (frame, methods, _, onComputed) => host.run(frame, methods, onComputed),
  close: host.close,
})

/** Requests that come while the model computes go together in its next run. */
const batchedHost = (host: Host, { hostLimits, batchWaitMs, onBatch }: LoadOptions): BatchedHost =>
  batched(host, { maxRows: BATCH_ROWS, waitMs: batchWaitMs, longestMs: hostLimits.runMs, onBatch })

/** Predicts rows of zeros over and over, between other requests. Returns what it takes, in microseconds. */
async function warmUp(program: Program, engine: Engine, rows: number): Promise<number> {
  const run = runOf(program, engine, rows)
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
function runOf({ inputs, outputs }: Program, engine: Engine, rows: number): () => Promise<void> | undefined {
  const cells = inputs.filter((column) => column.kind === 'cell').length
  const frame: Frame = {
    rows,
    numbers: new Float64Array(rows * (inputs.length - cells)),
    cells: new Array(rows * cells).fill(engine.kind === 'inline' ? null : ''),
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
