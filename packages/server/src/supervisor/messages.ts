/** What a child tells the supervisor over Node's IPC channel, and the reverse. */
export type ChildMessage =
  /** @property hasKeys of control: whether there is an API key that is good */
  | { readonly type: 'ready'; readonly port?: number; readonly hasKeys?: boolean }
  | { readonly type: 'fatal'; readonly message: string }
  /** The answer to `ping`. */
  | { readonly type: 'alive' }
/** Signals that ask to stop: of whoever runs the server, and of someone at a terminal. */
export type StopSignal = 'SIGTERM' | 'SIGINT'
export type SupervisorMessage =
  | { readonly type: 'stop'; readonly signal: StopSignal }
  /** Asks whether the process still turns. */
  | { readonly type: 'ping' }
  /** To control, whose metrics tell of it. */
  | { readonly type: 'restarts'; readonly counts: readonly RestartCount[] }

/** Why a process had to be started again: it ended, or stood still and was ended. */
export type RestartReason = 'ended' | 'standstill'
export type RestartCount = {
  readonly process: 'control' | 'gateway'
  readonly reason: RestartReason
  readonly count: number
}

/** Tells the supervisor, if there is one, and waits until the message is on its way. */
export function tellSupervisor(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(message, () => resolve())
  })
}

/** Lets the supervisor know that this process does not stand still. */
export function answerPings(): void {
  process.on('message', ({ type }: SupervisorMessage) => {
    if (type === 'ping') void tellSupervisor({ type: 'alive' })
  })
}

/** What the supervisor counted so far. */
export function followRestarts(): () => readonly RestartCount[] {
  let counts: readonly RestartCount[] = []
  process.on('message', (message: SupervisorMessage) => {
    if (message.type === 'restarts') counts = message.counts
  })
  return () => counts
}

/** Calls `stop` once: on a signal, on the supervisor's word that it had one, and when the supervisor is gone. */
export function onStop(stop: (why: StopSignal | 'supervisor gone') => void): void {
  let stopping = false
  const once: typeof stop = (why) => {
    if (stopping) return
    stopping = true
    stop(why)
  }
  process.on('SIGTERM', () => once('SIGTERM'))
  process.on('SIGINT', () => once('SIGINT'))
  process.on('disconnect', () => once('supervisor gone'))
  // It may have gone before anybody listened: then there is no event any more.
  if (process.send !== undefined && !process.connected) setImmediate(once, 'supervisor gone')
  process.on('message', (message: SupervisorMessage) => {
    if (message.type === 'stop') once(message.signal)
  })
}
