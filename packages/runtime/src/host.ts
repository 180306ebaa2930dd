import { type ChildProcess, fork } from 'node:child_process'
import type { Answer, Frame, Method } from '@millwright/engine'
import { ModelError, RowError } from '@millwright/engine/errors'
import { HostFailure } from './failure.ts'
import { isInstalled } from './onnx-session.ts'
import type { HostOrder, HostReply, RowFault } from './protocol.ts'

/** What one model may cost. */
export type HostLimits = {
  /** Resident memory of its process, the runtime (about 100 MiB) included. */
  readonly memoryMib: number
  /** Longest loading, in milliseconds. */
  readonly loadMs: number
  /** Longest run, and longest wait for the runs before it, in milliseconds. */
  readonly runMs: number
}

export const DEFAULT_HOST_LIMITS: HostLimits = { memoryMib: 2048, loadMs: 60_000, runMs: 10_000 }

/** When a model computed, as far as its process said how long: `performance.now()` of this one. */
export type Computed = { readonly startedAt: number; readonly endedAt: number }
export type OnComputed = (computed: Computed) => void

/** The asynchronous counterpart of `Executable`, of a program that a host runs in a process of its own. */
export type Host = {
  /**
   * Runs are taken one after the other.
   * @throws RowError for rows the model refuses, HostFailure when it did not answer
   */
  run(frame: Frame, methods: readonly Method[], onComputed?: OnComputed): Promise<Answer[]>
  /** Answers what is under way, then ends the process. */
  close(): Promise<void>
}

/** Runs that may wait: at 1 ms each, the last one waits a second. */
const MOST_WAITING = 1000
export const RUNTIME_PACKAGE = 'onnxruntime-node@1.30.0'
const MEBIBYTE = 2 ** 20

/** The one place that knows where the code of the process is: a build that moves it rewrites this URL. */
const HOST_URL = new URL('./host-process.ts', import.meta.url)

/**
 * Loads an encoded program that a host has to run.
 * @throws ModelError when the runtime is not installed, cannot load the model, or needs more than the limits
 */
export async function openHost(program: Uint8Array, limits: HostLimits = DEFAULT_HOST_LIMITS): Promise<Host> {
  if (!isInstalled())
    throw new ModelError('unsupported', 'ONNX models run in ONNX Runtime, which is not installed here', {
      hint: `add it beside Millwright: npm install ${RUNTIME_PACKAGE} (set ONNXRUNTIME_NODE_INSTALL=skip, or npm before version 12 downloads its GPU libraries too)`,
    })
  let current = startModel(program, limits)
  await current
  /** The process, started anew when the last one is gone. */
  const living = async (): Promise<ChildProcess> => {
    const child = await current.catch(() => undefined)
    if (child === undefined || hasEnded(child)) current = startModel(program, limits)
    return current
  }
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  const runNow = async (order: HostOrder, askedAt: number, onComputed?: OnComputed): Promise<Answer[]> => {
    if (performance.now() - askedAt > limits.runMs) throw busy()
    const child = await living().catch((error: Error) => {
      throw new HostFailure('ended', `the model cannot be started anew: ${error.message}`)
    })
    try {
      const reply = await ask(child, order, limits.runMs)
      if ('answers' in reply) onComputed?.(computedIn(reply.computedMs))
      return answersOf(reply)
    } catch (error) {
      // The next run need not wait for a new process to load the model.
      if (error instanceof HostFailure) living().catch(() => {})
      throw error
    }
  }
  return {
    run(frame, methods, onComputed) {
      if (waiting >= MOST_WAITING) return Promise.reject(busy())
      waiting += 1
      const askedAt = performance.now()
      const answers = last
        .then(() => runNow({ frame, methods }, askedAt, onComputed))
        .finally(() => {
          waiting -= 1
        })
      last = answers.catch(() => {})
      return answers
    },
    async close() {
      await last
      const child = await current.catch(() => undefined)
      child?.kill('SIGKILL')
    },
  }
}

/** Clocks of two processes have nothing in common: it ended when it was told. */
function computedIn(computedMs: number): Computed {
  const endedAt = performance.now()
  return { startedAt: endedAt - computedMs, endedAt }
}

const hasEnded = ({ killed, exitCode, signalCode }: ChildProcess): boolean =>
  killed || exitCode !== null || signalCode !== null

const busy = (): HostFailure =>
  new HostFailure('busy', 'the model has more runs waiting than it can answer in time')

/** A process with the model loaded. @throws ModelError */
async function startModel(program: Uint8Array, limits: HostLimits): Promise<ChildProcess> {
  const child = fork(HOST_URL, [String(limits.memoryMib * MEBIBYTE)], {
    serialization: 'advanced',
    execArgv: [],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.on('error', () => {})
  const reply = await ask(child, { program }, limits.loadMs).catch((error: unknown) => {
    throw error instanceof HostFailure ? refusalOf(error, limits) : error
  })
  if ('ready' in reply) return child
  child.kill('SIGKILL')
  const said = 'refused' in reply ? reply.refused : 'it gave no reason'
  throw new ModelError('unsupported', `ONNX Runtime cannot load the model (${said})`, {
    hint: 'check it with onnx.checker.check_model, and export it again with an older opset if that is the reason',
  })
}

function refusalOf({ kind }: HostFailure, { memoryMib, loadMs }: HostLimits): ModelError {
  if (kind === 'ended')
    return new ModelError('corrupt', 'ONNX Runtime breaks on loading the model', { hint: 'export it again' })
  const what =
    kind === 'time' ? `takes longer than ${loadMs} ms` : `needs more than ${memoryMib} MiB of memory`
  return new ModelError('limit', `loading the model in ONNX Runtime ${what}`, {
    hint: 'make the model smaller or raise the limit',
  })
}

/**
 * Gives one order and waits for its reply. A process that takes too long is killed: what it computes cannot be stopped
 * in any other way.
 * @throws HostFailure time | memory | ended
 */
function ask(child: ChildProcess, order: HostOrder, withinMs: number): Promise<HostReply> {
  hold(child, true)
  return new Promise<HostReply>((resolve, reject) => {
    const timer = setTimeout(() => {
      settle()
      child.kill('SIGKILL')
      reject(new HostFailure('time', `the model took longer than ${withinMs} ms`))
    }, withinMs)
    const onMessage = (reply: HostReply): void => {
      settle()
      resolve(reply)
    }
    const onExit = (_: number | null, signal: NodeJS.Signals | null): void => {
      settle()
      // Killed by its own watch, or by the system for the same reason.
      if (signal === 'SIGKILL') reject(new HostFailure('memory', 'the model took more memory than it may'))
      else reject(new HostFailure('ended', 'the process of the model ended by itself'))
    }
    const settle = (): void => {
      clearTimeout(timer)
      hold(child, false)
      child.off('message', onMessage).off('exit', onExit)
    }
    child.on('message', onMessage).on('exit', onExit)
    // A process that is gone is told by its exit.
    child.send(order, () => {})
  })
}

/** Whether a process keeps this one from ending. */
function hold(child: ChildProcess, held: boolean): void {
  const method = held ? 'ref' : 'unref'
  child[method]()
  child.channel?.[method]()
}

/** @throws RowError when the rows are refused */
function answersOf(reply: HostReply): Answer[] {
  if ('answers' in reply) return reply.answers
  const { message, column, row, field }: RowFault =
    'rowFault' in reply ? reply.rowFault : { message: `the model refuses it (${wordsIn(reply)})` }
  throw Object.assign(new RowError(message, column), { row, field })
}

const wordsIn = (reply: HostReply): string => ('refused' in reply ? reply.refused : 'without a reason')
