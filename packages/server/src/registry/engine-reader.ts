import { type ChildProcess, fork } from 'node:child_process'
import { compileFiles } from '@millwright/engine/compile-file'
import { ModelError } from '@millwright/engine/errors'
import { DEFAULT_LIMITS } from '@millwright/engine/limits'
import type { HostLimits } from '@millwright/runtime'
import type { CheckInput, CheckOutcome } from './check-process.ts'
import type { CheckedProgram } from './check-program.ts'
import type { ReadModel } from './read-model.ts'

export type ReaderLimits = {
  readonly maxHeapMib: number
  /** For reading, and again for checking, in milliseconds. */
  readonly deadlineMs: number
  /** Largest file. */
  readonly maxBytes: number
  /** What a model that a host runs may cost, here as in the gateways. */
  readonly host: HostLimits
}

/** The one place that knows where the code of the process is: the build rewrites this URL to the bundled file. */
const CHECK_URL = new URL('./check-process.ts', import.meta.url)

/**
 * A process rather than a thread, as for reading: what it took goes back to the system with it (50 MB stayed with
 * control after a thread), and V8 ends a whole process when a thread asks for too much at once.
 */
const startCheck = (maxHeapMib: number): ChildProcess =>
  fork(CHECK_URL, [], {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${maxHeapMib}`],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })

/** Reads and checks model files with the engine, each in processes of bounded memory and time. */
export const engineReader = (limits: ReaderLimits): ReadModel => {
  const { maxHeapMib, deadlineMs, maxBytes, host } = limits
  const caps = {
    maxFileBytes: maxBytes,
    maxDecompressedBytes: Math.max(maxBytes, DEFAULT_LIMITS.maxDecompressedBytes),
  }
  return async (bytes, sample, { key, ...others } = {}) => {
    const options = { maxHeapMib, deadlineMs, limits: { ...caps, deadlineMs } }
    const { program, report } = await compileFiles({ model: { bytes, key }, ...others }, options)
    return { program, report, ...(await check({ program, sample, limits: host }, limits)) }
  }
}

function check(input: CheckInput, { maxHeapMib, deadlineMs }: ReaderLimits): Promise<CheckedProgram> {
  const checker = startCheck(maxHeapMib)
  let timer: NodeJS.Timeout | undefined
  return new Promise<CheckedProgram>((resolve, reject) => {
    const refuse = (what: string): void => reject(new ModelError('limit', what))
    timer = setTimeout(() => refuse(`checking the model took longer than ${deadlineMs} ms`), deadlineMs)
    checker.once('message', (outcome: CheckOutcome) => {
      if ('checked' in outcome) resolve(outcome.checked)
      else reject(new ModelError(outcome.refusal.kind, outcome.refusal.message))
    })
    checker.once('error', reject)
    checker.once('exit', (code, signal) => {
      // V8 aborts when memory runs out, on Windows with a large code; the system kills.
      if (signal !== null || (code ?? 0) > 128)
        refuse(`checking the model needs more than ${maxHeapMib} MiB of memory`)
      else reject(new Error(`the process that checked the model ended with code ${code}`))
    })
    checker.send(input, (error) => {
      if (error !== null && checker.connected) reject(error)
    })
  }).finally(() => {
    clearTimeout(timer)
    checker.kill('SIGKILL')
  })
}
