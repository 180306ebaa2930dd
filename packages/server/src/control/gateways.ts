import { MillwrightError } from '@millwright/contracts'

/** A gateway that was not heard of for this long, with no poll open, is not waited for, in milliseconds. */
const SILENCE_MS = 3_000
/** A lost gateway is shown this long, in milliseconds. */
const REMEMBERED_MS = 60_000
/** How often silence is looked for while a change waits, in milliseconds. */
const TICK_MS = 200

type Gateway = {
  readonly id: string
  pid: number
  /** Newest epoch it said it took up. */
  epoch: number
  state: 'serving' | 'loading'
  error: string | undefined
  polls: number
  heardAt: number
  lost: boolean
}

type Ack = {
  readonly gateway: string
  readonly pid: number
  readonly epoch: number
  readonly state: 'serving' | 'loading'
  readonly error?: string | undefined
}

type GatewayView = { id: string; pid: number; epoch: number; state: 'serving' | 'loading' | 'lost' }

/** Who follows the routing snapshot, and how far. */
export type Gateways = {
  ack(ack: Ack): void
  /** A long poll began; the returned function is told how it ended: `false` when the gateway went away. */
  polling(id: string, pid: number): (answered: boolean) => void
  /** @throws MillwrightError GATEWAYS_NOT_ACKED */
  waitForAcks(epoch: number): Promise<void>
  list(): GatewayView[]
}

export type GatewaysOptions = {
  readonly ackTimeoutMs: number
  readonly now: () => number
  /** How many there should be: a control that just started has heard of none yet. Default: none. */
  readonly expected?: number | undefined
}

export function createGateways({ ackTimeoutMs, now, expected = 0 }: GatewaysOptions): Gateways {
  const openedAt = now()
  const known = new Map<string, Gateway>()
  const watchers = new Set<() => void>()

  const hear = (id: string, pid: number): Gateway => {
    const gateway = known.get(id)?.pid === pid ? known.get(id)! : newGateway(id, pid)
    known.set(id, gateway)
    gateway.heardAt = now()
    gateway.lost = false
    return gateway
  }
  const isLive = (gateway: Gateway): boolean =>
    !gateway.lost && (gateway.polls > 0 || now() - gateway.heardAt < SILENCE_MS)
  const live = (): Gateway[] => [...known.values()].filter(isLive)
  const wake = (): void => {
    for (const watcher of watchers) watcher()
  }

  return {
    ack({ gateway: id, pid, epoch, state, error }) {
      Object.assign(hear(id, pid), { epoch, state, error })
      wake()
    },
    polling(id, pid) {
      const gateway = hear(id, pid)
      gateway.polls += 1
      return (answered) => {
        gateway.polls -= 1
        gateway.heardAt = now()
        if (!answered && gateway.polls === 0) gateway.lost = true
        wake()
      }
    },
    async waitForAcks(epoch) {
      const behind = (): Gateway[] => live().filter((gateway) => gateway.epoch < epoch)
      const heardOfAll = (): boolean => known.size >= expected || now() - openedAt > SILENCE_MS
      await settled(() => heardOfAll() && behind().length === 0, { watchers, timeoutMs: ackTimeoutMs })
      const missing = live().filter((gateway) => gateway.epoch < epoch || gateway.error !== undefined).length
      if (missing > 0) throw new MillwrightError('GATEWAYS_NOT_ACKED', { epoch, missing })
    },
    list() {
      for (const [id, gateway] of known)
        if (!isLive(gateway) && now() - gateway.heardAt > REMEMBERED_MS) known.delete(id)
      return [...known.values()].map((gateway) => ({
        id: gateway.id,
        pid: gateway.pid,
        epoch: gateway.epoch,
        state: isLive(gateway) ? gateway.state : 'lost',
      }))
    },
  }
}

const newGateway = (id: string, pid: number): Gateway => ({
  id,
  pid,
  epoch: 0,
  state: 'loading',
  error: undefined,
  polls: 0,
  heardAt: 0,
  lost: false,
})

/** Resolves when `isDone`, asked whenever something changes, or when the time is over. */
function settled(
  isDone: () => boolean,
  { watchers, timeoutMs }: { watchers: Set<() => void>; timeoutMs: number },
): Promise<void> {
  if (isDone()) return Promise.resolve()
  return new Promise((resolve) => {
    const look = (): void => {
      if (isDone()) end()
    }
    const end = (): void => {
      watchers.delete(look)
      clearInterval(tick)
      clearTimeout(deadline)
      resolve()
    }
    const tick = setInterval(look, TICK_MS)
    const deadline = setTimeout(end, timeoutMs)
    watchers.add(look)
  })
}
