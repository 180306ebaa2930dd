import { Worker } from 'node:worker_threads'
import { decodeProgram, RowError } from '@millwright/engine'
import { type Executor, openExecutor } from './executor.ts'
import { endWhenOver } from './memory.ts'
import type { HostOrder, HostReply } from './protocol.ts'
import { wordsOf } from './words.ts'

/**
 * Entry of the process that runs one model. A process, not a thread: nothing but its end stops a model that computes
 * too long, and what the runtime breaks or takes is broken and given back with it.
 */
const WATCH_URL = new URL('./watch-process.ts', import.meta.url)

let executor: Executor | undefined

async function obey(order: HostOrder): Promise<HostReply> {
  try {
    if ('program' in order) {
      executor = await openExecutor(decodeProgram(order.program))
      endWhenOver(memoryBytes)
      return { ready: true }
    }
    const startedAt = performance.now()
    const answers = await executor!.run(order.frame, order.methods)
    return { answers, computedMs: performance.now() - startedAt }
  } catch (error) {
    if (!(error instanceof RowError)) return { refused: wordsOf(error) }
    const { message, column, row, field } = error
    return { rowFault: { message, column, row, field } }
  }
}

const memoryBytes = Number(process.argv[2])
new Worker(WATCH_URL, { workerData: { memoryBytes, parent: process.ppid } }).unref()
process.on('message', (order: HostOrder) => {
  void obey(order).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => process.exit())
