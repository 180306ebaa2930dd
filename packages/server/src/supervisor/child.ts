import { type ChildProcess, fork } from 'node:child_process'
import type { ChildMessage, RestartReason, StopSignal, SupervisorMessage } from './messages.ts'
import { createPulse } from './pulse.ts'

export type ChildOptions = {
  readonly entry: string
  readonly args: readonly string[]
  readonly env: () => NodeJS.ProcessEnv
  readonly onReady: (message: ChildMessage & { type: 'ready' }) => void
  /** The child said why it cannot run, before it was ever ready. */
  readonly onFatal: (message: string) => void
  readonly onRestart: (details: Ended & { readonly delayMs: number }) => void
  /** A child that is ready and does not answer for so long is killed, in milliseconds; 0: never. */
  readonly standstillMs: number
}
/** How a child came to its end. */
export type Ended = {
  readonly reason: RestartReason
  readonly code: number | null
  readonly signal: string | null
}

/** A process that is kept running: restarted with back-off until it is stopped. */
export type Child = {
  /** From now on it is not started again when it ends. */
  retire(): void
  /** Asks it to drain and waits until it is gone; kills it after `deadlineMs`. */
  stop(signal: StopSignal, deadlineMs: number): Promise<void>
  kill(): void
  tell(message: SupervisorMessage): void
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
      env: options.env(),
      stdio: 'inherit',
    })
    process_ = child
    let reason: RestartReason = 'ended'
    const pulse = createPulse(options.standstillMs, {
      ask: () => tell({ type: 'ping' }),
      onStandstill() {
        reason = 'standstill'
        child.kill('SIGKILL')
      },
    })
    child.on('message', (message: ChildMessage) => {
      if (message.type === 'alive') pulse.beat()
      else if (message.type === 'ready') {
        everReady = true
        pulse.start()
        options.onReady(message)
      } else if (!everReady) options.onFatal(message.message)
    })
    child.on('exit', (code, signal) => {
      process_ = undefined
      pulse.stop()
      if (stopping) return
      if (performance.now() - startedAt > HEALTHY_MS) delayMs = FIRST_DELAY_MS
      options.onRestart({ reason, code, signal, delayMs })
      timer = setTimeout(start, delayMs)
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    })
  }
  const tell = (message: SupervisorMessage): void => {
    if (process_?.connected) process_.send(message, () => {})
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
        if (child.connected) tell({ type: 'stop', signal })
        else child.kill(signal)
      })
    },
    kill() {
      retire()
      process_?.kill('SIGKILL')
    },
    tell,
  }
}
