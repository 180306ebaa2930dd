import { Worker } from 'node:worker_threads'
import { CommandError } from '../command.ts'
import type { Order, Piece, Reply, WorkerStart } from './worker-protocol.ts'

/** The one place that knows where the code of the thread is: a build that moves it rewrites this URL. */
const WORKER_URL = new URL('./batch-worker.ts', import.meta.url)

/** Pieces that each thread has at a time, so that it need not wait for the next. */
const PIECES_AHEAD = 2

/** Threads that score pieces of a file. */
export type Crew = {
  /** Pieces in the order of the orders. No more are read than the threads can take. @throws CommandError */
  work<T extends { readonly order: Order }>(
    orders: AsyncIterable<T>,
  ): AsyncGenerator<T & { readonly piece: Piece }>
  close(): Promise<void>
}

/** @param start what thread number `seat` is started with; seat 0 is this thread's */
export function openCrew(threads: number, start: (seat: number) => WorkerStart): Crew {
  const members = Array.from({ length: threads }, (_, i) => openMember(start(i + 1)))
  let next = 0
  const ask = (order: Order): Promise<Piece> => members[next++ % threads]!.ask(order)
  return {
    async *work<T extends { readonly order: Order }>(orders: AsyncIterable<T>) {
      const running: Promise<T & { readonly piece: Piece }>[] = []
      for await (const given of orders) {
        const task = ask(given.order).then((piece) => ({ ...given, piece }))
        // Told when its turn comes.
        task.catch(() => {})
        running.push(task)
        if (running.length >= PIECES_AHEAD * threads) yield (await running.shift())!
      }
      while (running.length > 0) yield (await running.shift())!
    },
    close: async () => void (await Promise.all(members.map(({ close }) => close()))),
  }
}

/** A thread that answers in turn. */
function openMember(start: WorkerStart) {
  const worker = new Worker(WORKER_URL, { workerData: start })
  const waiting: { resolve: (piece: Piece) => void; reject: (error: Error) => void }[] = []
  let failure: Error | undefined
  const fail = (error: Error): void => {
    failure ??= error
    for (const { reject } of waiting.splice(0)) reject(failure)
  }
  worker.on('message', (reply: Reply) => {
    const { resolve, reject } = waiting.shift()!
    if ('piece' in reply) resolve(reply.piece)
    else reject(new CommandError(reply.error, reply.hints))
  })
  worker.on('error', fail)
  worker.on('exit', (code) => fail(new CommandError(`a thread ended with ${code} while it scored`)))
  return {
    ask: (order: Order): Promise<Piece> =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure)
          return
        }
        waiting.push({ resolve, reject })
        worker.postMessage(order, buffersOf(order))
      }),
    close: () => worker.terminate(),
  }
}

const buffersOf = (order: Order): ArrayBuffer[] =>
  'text' in order
    ? [order.text.buffer]
    : order.columns.flatMap((column) => (column instanceof Float64Array ? [column.buffer] : []))
