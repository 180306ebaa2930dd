import { Worker } from 'node:worker_threads'
import { compileFile, DEFAULT_LIMITS, ModelError } from '@millwright/engine'
import type { CheckedProgram } from './check-program.ts'
import type { CheckInput, CheckOutcome } from './check-worker.ts'
import type { ReadModel } from './read-model.ts'

export type ReaderLimits = {
  readonly maxHeapMib: number
  /** For reading, and again for checking, in milliseconds. */
  readonly deadlineMs: number
  /** Largest file. */
  readonly maxBytes: number
}

/** The one place that knows where the worker's code is: the build rewrites this URL to the bundled file. */
const startWorker = (options: ConstructorParameters<typeof Worker>[1]): Worker =>
  new Worker(new URL('./check-worker.ts', import.meta.url), options)

/** Reads and checks model files with the engine, each in threads of bounded memory and time. */
export const engineReader = (limits: ReaderLimits): ReadModel => {
  const { maxHeapMib, deadlineMs, maxBytes } = limits
  const caps = {
    maxFileBytes: maxBytes,
    maxDecompressedBytes: Math.max(maxBytes, DEFAULT_LIMITS.maxDecompressedBytes),
  }
  return async (bytes, sample) => {
    const { program, report } = await compileFile(bytes, {
      maxHeapMib,
      deadlineMs,
      limits: { ...caps, deadlineMs },
    })
    return { program, report, ...(await check({ program, sample }, limits)) }
  }
}

function check(input: CheckInput, { maxHeapMib, deadlineMs }: ReaderLimits): Promise<CheckedProgram> {
  const worker = startWorker({
    workerData: input,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMib },
    env: {},
    execArgv: [],
  })
  let timer: NodeJS.Timeout | undefined
  return new Promise<CheckedProgram>((resolve, reject) => {
    const refuse = (what: string): void => reject(new ModelError('limit', what))
    timer = setTimeout(() => refuse(`checking the model took longer than ${deadlineMs} ms`), deadlineMs)
    worker.once('message', (outcome: CheckOutcome) => {
      if ('checked' in outcome) resolve(outcome.checked)
      else reject(new ModelError(outcome.refusal.kind, outcome.refusal.message))
    })
    worker.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        refuse(`checking the model needs more than ${maxHeapMib} MiB of memory`)
      else reject(error)
    })
    worker.once('exit', (code) =>
      reject(new Error(`the thread that checked the model ended with code ${code}`)),
    )
  }).finally(() => {
    clearTimeout(timer)
    return worker.terminate()
  })
}
