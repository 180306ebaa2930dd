import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AnalyticsKind, AnalyticsReply, AnalyticsWork } from './analytics-protocol.ts'

export type Analytics = {
  /** @throws WorkFailed, or Error when it took too long or the process died twice */
  readonly run: <K extends AnalyticsKind>(
    kind: K,
    ask: AnalyticsWork[K]['ask'],
  ) => Promise<AnalyticsWork[K]['answer']>
  /** Process id while it runs. */
  readonly pid: () => number | undefined
  /** Ends the process at once; work under way fails. */
  readonly close: () => void
}

export type AnalyticsOptions = {
  /** Where DuckDB puts what does not fit into its memory. */
  readonly spillFolder: string
  /** Folders whose files it may reach. */
  readonly folders: readonly string[]
  /** The process ends after this long without work; default: 20 s after a search, 2 s after anything else. */
  readonly idleMs?: number
  readonly timeoutMs?: number
}

/** Who searches, searches again. */
const IDLE_MS: Readonly<Record<AnalyticsKind, number>> = { find: 20_000, compact: 2_000, merge: 2_000 }
const TIMEOUT_MS = 120_000

const PROCESS_URL = new URL('./analytics-process.ts', import.meta.url)

class ProcessDied extends Error {}
/** The process did what it was asked and it did not work: a file cannot be read, the disk is full. */
export class WorkFailed extends Error {}

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }

/** One running process and the requests it has not answered. */
type Running = { readonly child: ChildProcess; readonly waiting: Map<number, Waiting> }

/** Runs DuckDB in a child process that exists only while there is work. */
export function createAnalytics(options: AnalyticsOptions): Analytics {
  const { timeoutMs = TIMEOUT_MS } = options
  let running: Running | undefined
  let lastNumber = 0
  let idleTimer: NodeJS.Timeout | undefined

  const stop = (): void => {
    clearTimeout(idleTimer)
    running?.child.kill('SIGKILL')
    running = undefined
  }

  const start = (): Running => {
    const started = startProcess(options)
    const forget = () => {
      if (running === started) running = undefined
    }
    started.child.on('exit', forget).on('error', forget)
    return started
  }

  const ask = <K extends AnalyticsKind>(kind: K, what: AnalyticsWork[K]['ask']) => {
    clearTimeout(idleTimer)
    running ??= start()
    const { child, waiting } = running
    const number = ++lastNumber
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const answer = new Promise<AnalyticsWork[K]['answer']>((resolve, reject) => {
      waiting.set(number, { resolve: resolve as Waiting['resolve'], reject })
      child.send({ number, kind, ask: what })
    })
    return answer.finally(() => {
      clearTimeout(timer)
      waiting.delete(number)
      if (waiting.size > 0 || running?.child !== child) return
      idleTimer = setTimeout(stop, options.idleMs ?? IDLE_MS[kind]).unref()
    })
  }

  return {
    run: (kind, what) =>
      ask(kind, what).catch((error: unknown) => {
        if (error instanceof ProcessDied && kind === 'find') return ask(kind, what)
        throw error
      }),
    pid: () => running?.child.pid,
    close: stop,
  }
}

function startProcess({ spillFolder, folders }: AnalyticsOptions): Running {
  const child = fork(fileURLToPath(PROCESS_URL), [spillFolder, ...folders], {
    execArgv: ['--max-semi-space-size=4'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, Waiting>()
  child.on('message', (reply: AnalyticsReply) => {
    const request = waiting.get(reply.number)
    if ('error' in reply) request?.reject(new WorkFailed(`prediction log: ${reply.error}`))
    else request?.resolve(reply.answer)
  })
  const fail = (why: string) => () => {
    const error = new ProcessDied(`prediction log: the analytics process ${why}`)
    for (const request of waiting.values()) request.reject(error)
  }
  child.once('exit', fail('ended before it answered'))
  child.on('error', fail('cannot be reached'))
  return { child, waiting }
}
