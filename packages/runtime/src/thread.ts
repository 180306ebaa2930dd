import { Worker } from 'node:worker_threads'
import { HostFailure } from './failure.ts'
import type { SharedModel } from './pool-run.ts'
import type {
  PrepareOrder,
  PrepareReply,
  ThreadNews,
  ThreadOrder,
  ThreadReply,
  ThreadStart,
} from './thread-protocol.ts'

/** A thread of this process that predicts. It keeps the process from ending while it has an order. */
export type Thread = {
  readonly seat: number
  /** Tells it of a model, as far as it does not know yet what was laid out for it. */
  inform(model: SharedModel): void
  forget(model: SharedModel): void
  /**
   * One order at a time.
   * @throws HostFailure time | ended, and the thread can only be ended then
   */
  ask(order: ThreadOrder, withinMs: number): Promise<ThreadReply>
  ask(order: PrepareOrder, withinMs: number): Promise<PrepareReply>
  /** Stops it, whatever it computes. */
  end(): Promise<unknown>
}

/** The one place that knows where the code of the thread is: a build that moves it rewrites this URL. */
const WORKER_URL = new URL('./thread-worker.ts', import.meta.url)

export function startThread(start: ThreadStart): Thread {
  const worker = new Worker(WORKER_URL, { workerData: start })
  worker.unref()
  // Told to whoever waits for it; without a listener it would end this process.
  worker.on('error', () => {})
  /** How much was laid out for a model when it was told last. */
  const known = new Map<number, number>()
  const tell = (news: ThreadNews): void => worker.postMessage(news)
  return {
    seat: start.seat,
    inform({ id, bytes, executable: { layouts } }) {
      const count = layouts.reduce((sum, one) => sum + Object.keys(one).length, 0)
      if (known.get(id) === count) return
      known.set(id, count)
      tell({ open: id, bytes, layouts })
    },
    forget({ id }) {
      if (known.delete(id)) tell({ close: id })
    },
    ask: (order: ThreadOrder | PrepareOrder, withinMs: number) =>
      new Promise<never>((resolve, reject) => {
        const settle = (): void => {
          clearTimeout(timer)
          worker.off('message', onMessage).off('error', onError).off('exit', onExit).unref()
        }
        const onMessage = (reply: unknown): void => {
          settle()
          resolve(reply as never)
        }
        const fail = (failure: HostFailure): void => {
          settle()
          reject(failure)
        }
        const onError = ({ message }: Error): void => fail(ended(message))
        const onExit = (code: number): void => fail(ended(`exit ${code}`))
        const timer = setTimeout(
          () => fail(new HostFailure('time', `the model took longer than ${withinMs} ms`)),
          withinMs,
        )
        worker.on('message', onMessage).on('error', onError).on('exit', onExit).ref()
        worker.postMessage(order)
      }),
    end: () => worker.terminate(),
  }
}

const ended = (why: string): HostFailure =>
  new HostFailure('ended', `the thread that computed it ended by itself (${why})`)
