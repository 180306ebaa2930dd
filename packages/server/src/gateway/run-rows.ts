import { MillwrightError } from '@millwright/contracts/errors'
import type { Answer, Executable, Frame, Method } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import { runFrame } from '@millwright/inference/run-frame'
import type { RowReader, Slab } from '@millwright/inference/validate'
import type { BatchedHost } from '@millwright/runtime/batching'
import { HostFailure } from '@millwright/runtime/failure'
import type { Computed } from '@millwright/runtime/host'
import type { PooledModel } from '@millwright/runtime/pool'

/** Where the answer to one row stands. */
export type RowRun = { readonly answers: readonly Answer[]; readonly row: number }

/** Rows that stand first in a slab, one for each that is `good`, and what to answer to them. */
type ReadRows = {
  readonly slab: Slab
  readonly good: readonly number[]
  readonly methods: readonly Method[]
  /** Takes when a host computed for them, where that is traced. */
  readonly computed?: Computed[] | undefined
}

/** Runs rows together; when the model refuses one of them, each alone, so that bad rows do not take others with them. */
export function runRows(
  executable: Executable,
  reader: RowReader,
  { slab, good, methods }: ReadRows,
): (RowRun | RowError)[] {
  const rows = good.length
  if (rows === 0) return []
  const together = runFrame(executable, reader.frameOf(slab, rows), methods)
  if (rows === 1 || !(together instanceof RowError)) return spread(together, rows)
  return Array.from({ length: rows }, (_, row) => {
    const alone = runFrame(executable, reader.frameOfRow(slab, row), methods)
    return spread(alone, 1)[0]!
  })
}

/**
 * The same, by the threads of a pool. When the model refuses a row it is looked for here.
 * @throws MillwrightError MODEL_TIMEOUT, MODEL_FAILED, MODEL_BUSY
 */
export async function runPooled(
  model: PooledModel,
  reader: RowReader,
  read: ReadRows,
  signal: AbortSignal | undefined,
): Promise<(RowRun | RowError)[]> {
  const rows = read.good.length
  if (rows === 0) return []
  const together = await model.run(reader.frameOf(read.slab, rows), read.methods, signal).catch(rowErrorOf)
  return together instanceof RowError ? runRows(model.executable, reader, read) : spread(together, rows)
}

/**
 * The same, by a host. A row the model refuses may take the time of all before it is found.
 * @throws MillwrightError MODEL_TIMEOUT, MODEL_FAILED, MODEL_BUSY
 */
export async function runHosted(
  host: BatchedHost,
  reader: RowReader,
  { slab, good, methods, computed }: ReadRows,
  signal: AbortSignal | undefined,
): Promise<(RowRun | RowError)[]> {
  const rows = good.length
  if (rows === 0) return []
  const onComputed = computed && ((part: Computed): void => void computed.push(part))
  const run = (frame: Frame): Promise<Answer[] | RowError> =>
    host.run(frame, methods, signal, onComputed).catch(rowErrorOf)
  const together = await run(reader.frameOf(slab, rows))
  if (rows === 1 || !(together instanceof RowError)) return spread(together, rows)
  const alone: (RowRun | RowError)[] = []
  for (let row = 0; row < rows; row++) alone.push(...spread(await run(reader.frameOfRow(slab, row)), 1))
  return alone
}

function spread(outcome: Answer[] | RowError, rows: number): (RowRun | RowError)[] {
  if (outcome instanceof RowError) return [outcome]
  if (rows === 1) return [{ answers: outcome, row: 0 }]
  return Array.from({ length: rows }, (_, row) => ({ answers: outcome, row }))
}

const CODES = {
  time: 'MODEL_TIMEOUT',
  memory: 'MODEL_FAILED',
  ended: 'MODEL_FAILED',
  busy: 'MODEL_BUSY',
} as const

function rowErrorOf(error: unknown): RowError {
  if (error instanceof RowError) return error
  if (error instanceof HostFailure)
    throw new MillwrightError(CODES[error.kind], { reason: error.message }, { cause: error })
  throw error
}
