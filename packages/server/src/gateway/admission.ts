import { MillwrightError } from '@millwright/contracts/errors'

/**
 * What computes for requests, one after the other: the event loop, for models that run on it; what large requests share,
 * between small ones and on threads; or the process of one model. `pendingMs` is how long what was taken up and is not finished is expected to take.
 */
export type Lane = { tasks: number; pendingMs: number; lastDoneAt: number }

/** Milliseconds of work that a byte of request costs; learnt while requests are answered. */
export type Cost = { msPerByte: number }

/** A request on its way: taken up, run in its turn, ended when it is answered. */
export type Task = {
  readonly lane: Lane
  readonly cost: Cost
  readonly bytes: number
  /** Longest it may wait for those before it, in milliseconds. */
  readonly waitMs: number
  readonly run: () => void
  expectedMs: number
  startedAt: number
}

export type Admission = {
  /**
   * Runs a task: at once while the loop has done little since it last looked for requests, else in its turn.
   * @throws MillwrightError OVERLOADED when those before it take longer than it may wait
   */
  admit(task: Task): void
  end(task: Task): void
  /** Somebody connected: the event loop accepts one connection a turn, so others may wait behind this one. */
  noteConnection(): void
  /** Of requests that are answered on the spot, and of large ones, which let others in between. */
  readonly small: Lane
  readonly large: Lane
}

export const createLane = (): Lane => ({ tasks: 0, pendingMs: 0, lastDoneAt: 0 })

/** Longest the event loop works without looking for new requests, so that those it cannot take hear of it at once. */
const SLICE_MS = 4
/** Turns given to connections that wait to be accepted before work goes on: those behind them would hear nothing for long. */
const LOOKS = 16
/** Weight of the newest request in what requests cost, and how much dearer than before it can count. */
const NEWEST = 0.1
const DEARER = 8

/**
 * Takes requests up by what they are expected to cost. An answer that comes too late is worth nothing, so who would wait
 * longer than he may is refused as soon as his request is read, and the time goes to those that are answered.
 */
export function createAdmission(): Admission {
  let queue: Task[] = []
  let workedMs = 0
  let isPlanned = false
  let isNews = false
  let looks = 0

  const plan = (): void => {
    if (!isPlanned) setImmediate(takeTurn)
    isPlanned = true
  }
  const work = (task: Task): void => {
    task.startedAt = performance.now()
    task.run()
    workedMs += performance.now() - task.startedAt
    plan()
  }
  const takeTurn = (): void => {
    isPlanned = false
    looks = isNews && queue.length > 0 ? (looks + 1) % LOOKS : 0
    isNews = false
    if (looks > 0) {
      plan()
      return
    }
    workedMs = 0
    let taken = 0
    while (taken < queue.length && workedMs < SLICE_MS) work(queue[taken++]!)
    queue = queue.slice(taken)
  }
  return {
    noteConnection() {
      isNews = true
    },
    small: createLane(),
    large: createLane(),
    admit(task) {
      const { lane, cost, bytes, waitMs } = task
      if (lane.pendingMs > waitMs)
        throw new MillwrightError('OVERLOADED', { waitMs: Math.ceil(lane.pendingMs) })
      task.expectedMs = cost.msPerByte * bytes
      lane.tasks += 1
      lane.pendingMs += task.expectedMs
      if (queue.length === 0 && workedMs < SLICE_MS) work(task)
      else queue.push(task)
    },
    end({ lane, cost, bytes, expectedMs, startedAt }) {
      const now = performance.now()
      // A lane spends on one of several requests at once what passed since it finished the one before.
      const spent = (now - Math.max(startedAt, lane.lastDoneAt)) / Math.max(1, bytes)
      lane.lastDoneAt = now
      lane.tasks -= 1
      // Sums of floats do not come back to zero by themselves.
      lane.pendingMs = lane.tasks === 0 ? 0 : lane.pendingMs - expectedMs
      const { msPerByte } = cost
      cost.msPerByte += NEWEST * ((msPerByte > 0 ? Math.min(spent, DEARER * msPerByte) : spent) - msPerByte)
    },
  }
}
