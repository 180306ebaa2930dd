import { availableParallelism } from 'node:os'
import {
  type Answer,
  type Executable,
  type Frame,
  isHosted,
  type Latency,
  type Method,
  ModelError,
  measureLatency,
  type Program,
  type SelfCheck,
  selfCheck,
} from '@millwright/engine'
import { checkHosted } from './check.ts'
import { asRefusal, HostFailure } from './failure.ts'
import { type Host, type HostLimits, openHost } from './host.ts'
import { measureHostLatency } from './latency.ts'
import { openPool, shareProgram } from './pool.ts'

/** Rows of a batch that are tried to see what the others will take. */
const TRIED_ROWS = 2048
/** Work that is worth starting threads for, which takes a tenth of a second, in milliseconds. */
const WORTH_MS = 250
/** More gain little beside reading and writing the rows. */
const MOST_THREADS = 8
/** Longest a thread may take for a share of a batch: who waits for a file can wait. */
const RUN_MS = 600_000

/**
 * Any program, ready to run: compiled here, large batches on all cores, or by a host. For those who can wait; a gateway
 * tells the two apart.
 */
export type Runner = {
  readonly program: Program
  /** @throws RowError, HostFailure */
  run(frame: Frame, methods: readonly Method[]): Promise<Answer[]>
  /**
   * Runs it on rows made to find differences: against the reference, or of a host's model against itself.
   * @throws ModelError when a host's model differs from itself, or costs more than its limits
   */
  check(): Promise<SelfCheck>
  /** What a row costs on this machine, in about three times `millis`; undefined when the model refuses every row tried. */
  latency(millis: number): Promise<Latency | undefined>
  close(): Promise<void>
}

/** @param bytes the encoded program   @throws RangeError when it is not one, ModelError when it cannot be hosted */
export async function openRunner(bytes: Uint8Array, limits?: HostLimits): Promise<Runner> {
  const shared = shareProgram(bytes)
  const { program } = shared
  if (isHosted(program)) {
    const host = await openHost(bytes, limits)
    return {
      program,
      ...host,
      check: () => relyOn(program, host),
      latency: (millis) => measureHostLatency(program, host, millis),
    }
  }
  const pool = openPool({ threads: Math.min(availableParallelism(), MOST_THREADS), runMs: RUN_MS })
  const { executable, run } = pool.open(shared)
  return {
    program,
    run: async (frame, methods) =>
      pool.threads > 1 && isWorthThreads(executable, frame, methods)
        ? run(frame, methods)
        : executable.run(frame, methods),
    check: async () => selfCheck(program, executable),
    latency: async (millis) => measureLatency(executable, millis),
    close: () => pool.close(),
  }
}

/** Whether a batch takes so long that threads are started sooner than it is answered, by what its first rows take. */
function isWorthThreads(executable: Executable, frame: Frame, methods: readonly Method[]): boolean {
  if (frame.rows < 2 * TRIED_ROWS) return false
  const numberWidth = frame.numbers.length / frame.rows
  const cellWidth = frame.cells.length / frame.rows
  const first: Frame = {
    rows: TRIED_ROWS,
    numbers: frame.numbers.subarray(0, TRIED_ROWS * numberWidth),
    cells: frame.cells.slice(0, TRIED_ROWS * cellWidth),
  }
  const startedAt = performance.now()
  executable.run(first, methods)
  return ((performance.now() - startedAt) / TRIED_ROWS) * frame.rows > WORTH_MS
}

async function relyOn(program: Program, host: Host): Promise<SelfCheck> {
  const check = await checkHosted(program, host).catch((error: unknown) => {
    throw error instanceof HostFailure ? asRefusal(error) : error
  })
  if (check.mismatches === 0) return check
  throw new ModelError('unsupported', `the model cannot be relied on: ${check.firstMismatch}`, {
    hint: 'export it for inference (torch: model.eval() before the export), without random numbers and statistics of a batch',
  })
}
