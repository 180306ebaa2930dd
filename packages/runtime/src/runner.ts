import { availableParallelism } from 'node:os'
import {
  type Answer,
  compileProgram,
  decodeProgram,
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
import { openThreads } from './threads.ts'

/** Batches of as many rows are worth starting threads for, which takes a tenth of a second. */
const MANY_ROWS = 50_000
/** More gain little beside reading and writing the rows. */
const MOST_THREADS = 8

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
  const program = decodeProgram(bytes)
  if (isHosted(program)) {
    const host = await openHost(bytes, limits)
    return {
      program,
      ...host,
      check: () => relyOn(program, host),
      latency: (millis) => measureHostLatency(program, host, millis),
    }
  }
  const executable = compileProgram(program)
  const count = Math.min(availableParallelism(), MOST_THREADS)
  let threads: Host | undefined
  return {
    program,
    async run(frame, methods) {
      if (frame.rows < MANY_ROWS || count === 1) return executable.run(frame, methods)
      threads ??= openThreads(bytes, count)
      return threads.run(frame, methods)
    },
    check: async () => selfCheck(program, executable),
    latency: async (millis) => measureLatency(executable, millis),
    close: async () => threads?.close(),
  }
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
