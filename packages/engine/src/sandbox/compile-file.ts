import { type ChildProcess, fork } from 'node:child_process'
import type { Limits } from '../bytes/limits.ts'
import { ModelError } from '../errors.ts'
import type { ModelParts } from '../formats/parts.ts'
import type { FileReport } from '../formats/report.ts'
import type { LowerOptions } from '../sklearn/lower.ts'
import type { CompiledFile, Outcome, Refusal } from './compile.ts'
import type { Order } from './compile-worker.ts'

export type { ModelParts }

export type CompileOptions = {
  /** Caps of the reader; see `DEFAULT_LIMITS`. */
  readonly limits?: Partial<Limits>
  /** The worker is ended after this many milliseconds. */
  readonly deadlineMs?: number
  /** JavaScript heap of the worker in MiB. Array data live outside of it and are bounded by `limits`. */
  readonly maxHeapMib?: number
  readonly lowering?: LowerOptions
}

/** A refusal that knows what was learnt of the file before. */
export class RefusedFile extends ModelError {
  /** undefined when the file could not be read at all. */
  readonly report: FileReport | undefined

  constructor(error: Refusal, report: FileReport | undefined) {
    super(error.kind, '', { path: error.path, ...(error.hint === undefined ? {} : { hint: error.hint }) })
    this.message = error.message
    this.report = report
  }
}

const DEFAULT_DEADLINE_MS = 120_000
const DEFAULT_HEAP_MIB = 2048

/** The one place that knows where the worker's code is: a build that moves it rewrites this URL. */
const WORKER_URL = new URL('./compile-worker.ts', import.meta.url)

/**
 * A process rather than a thread: V8 ends the whole process, not the thread, when one allocation of a thread is over
 * its heap limit, and a file can ask for such an allocation. It has an empty environment and no standard streams.
 */
function startWorker(maxHeapMib: number): ChildProcess {
  return fork(WORKER_URL, [], {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${maxHeapMib}`],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
}

/** A model of one file; see `compileFiles`. */
export const compileFile = (bytes: Uint8Array, options: CompileOptions = {}): Promise<CompiledFile> =>
  compileFiles({ model: { bytes } }, options)

/**
 * Reads, lowers and encodes a model of one or several files in a process of its own, with bounded memory and time.
 * @throws RefusedFile (a ModelError) with the reason, and the report when the files could be read
 */
export function compileFiles(parts: ModelParts, options: CompileOptions = {}): Promise<CompiledFile> {
  const { limits = {}, lowering = {} } = options
  const { deadlineMs = DEFAULT_DEADLINE_MS, maxHeapMib = DEFAULT_HEAP_MIB } = options
  const worker = startWorker(maxHeapMib)
  let timer: NodeJS.Timeout | undefined
  return new Promise<CompiledFile>((resolve, reject) => {
    timer = setTimeout(() => reject(overTime(deadlineMs)), deadlineMs)
    worker.once('message', (outcome: Outcome) => {
      if ('compiled' in outcome) resolve(outcome.compiled)
      else reject(new RefusedFile(outcome.refusal, outcome.report))
    })
    worker.once('error', reject)
    worker.once('exit', (code, signal) => reject(endedEarly(code, signal, maxHeapMib)))
    const order: Order = { parts, limits, lowering }
    worker.send(order, (error) => {
      if (error !== null && worker.connected) reject(error)
    })
  }).finally(() => {
    clearTimeout(timer)
    worker.kill('SIGKILL')
  })
}

/** V8 aborts (SIGABRT, SIGTRAP, on Windows a large code) when memory runs out; the system kills (SIGKILL). */
function endedEarly(code: number | null, signal: NodeJS.Signals | null, maxHeapMib: number): Error {
  const byMemory = signal !== null || (code ?? 0) > 128
  if (!byMemory) return new Error(`the worker that reads model files ended with code ${code}`)
  return new ModelError('limit', `reading the file needs more than ${maxHeapMib} MiB of memory`, {
    hint: 'make the model smaller or raise the limit',
  })
}

const overTime = (deadlineMs: number): ModelError =>
  new ModelError('limit', `reading the file took longer than ${deadlineMs} ms`, {
    hint: 'make the model smaller or raise the deadline',
  })
