import { type ChildProcess, fork } from 'node:child_process'
import type { ChildMessage, StopSignal, SupervisorMessage } from './messages.ts'

export type ChildOptions = {
  readonly entry: string
  readonly args: readonly string[]
  /** Of Node, besides those of this process. */
  readonly execArgv: readonly string[]
  readonly env: () => NodeJS.ProcessEnv
  readonly onReady: (message: ChildMessage & { type: 'ready' }) => void
  /** The child said why it cannot run, before it was ever ready. */
  readonly onFatal: (message: string) => void
  readonly onRestart: (details: { code: number | null; signal: string | null; delayMs: number }) => void
}

/** A process that is kept running: restarted with back-off until it is stopped. */
export type Child = {
  /** From now on it is not started again when it ends. */
  retire(): void
  /** Asks it to drain and waits until it is gone; kills it after `deadlineMs`. */
  stop(signal: StopSignal, deadlineMs: number): Promise<void>
  kill(): void
}

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 5_000
/** Up this long, a child is healthy and its back-off starts over. */
const HEALTHY_MS = 10_000

export function superviseChild(options: ChildOptions): Child {
  let process_: ChildProcess | undefined
  let stopping = false
  let everReady = false
  let delayMs = FIRST_DELAY_MS
  let timer: NodeJS.Timeout | undefined

  const start = (): void => {
    const startedAt = performance.now()
    const child = fork(options.entry, [...options.args], {
      execArgv: [...process.execArgv, ...options.execArgv],
      env: options.env(),
      stdio: 'inherit',
    })
    process_ = child
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'ready') {
        everReady = true
        options.onReady(message)
      } else if (!everReady) options.onFatal(message.message)
    })
    child.on('exit', (code, signal) => {
      process_ = undefined
      if (stopping) return
      if (performance.now() - startedAt > HEALTHY_MS) delayMs = FIRST_DELAY_MS
      options.onRestart({ code, signal, delayMs })
      timer = setTimeout(start, delayMs)
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    })
  }
  start()
  const retire = (): void => {
    stopping = true
    clearTimeout(timer)
  }

  return {
    retire,
    stop(signal, deadlineMs) {
      retire()
      const child = process_
      if (child === undefined) return Promise.resolve()
      return new Promise((resolve) => {
        const killer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
        child.once('exit', () => {
          clearTimeout(killer)
          resolve()
        })
        const message: SupervisorMessage = { type: 'stop', signal }
        if (child.connected) child.send(message, () => {})
        else child.kill('SIGTERM')
      })
    },
    kill() {
      retire()
      process_?.kill('SIGKILL')
    },
  }
}
