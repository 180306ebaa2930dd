/** Whether a process answers. */
export type Pulse = {
  start(): void
  stop(): void
  /** It answered. */
  beat(): void
}

type PulseOptions = {
  readonly ask: () => void
  readonly onStandstill: () => void
}

const ASK_MS = 1_000

/**
 * Asks every second, and tells once nothing came for `standstillMs`; 0: never. What is counted are questions, not time:
 * while the machine sleeps, or who asks stands still himself, nobody is asked and so nobody is late.
 */
export function createPulse(standstillMs: number, { ask, onStandstill }: PulseOptions): Pulse {
  const most = Math.ceil(standstillMs / ASK_MS)
  let unanswered = 0
  let timer: NodeJS.Timeout | undefined
  const stop = (): void => clearInterval(timer)
  return {
    start() {
      if (standstillMs === 0) return
      timer = setInterval(() => {
        if (unanswered >= most) {
          stop()
          onStandstill()
          return
        }
        unanswered += 1
        ask()
      }, ASK_MS)
    },
    stop,
    beat() {
      unanswered = 0
    },
  }
}
