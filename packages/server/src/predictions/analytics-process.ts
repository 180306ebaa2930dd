import { constants, setPriority } from 'node:os'
import type { AnalyticsReply, AnalyticsRequest } from './analytics-protocol.ts'
import { openParquet, type Parquet } from './parquet.ts'

/**
 * A process of its own for DuckDB, started by `createAnalytics` when there is work and gone when there is none.
 * Its arguments: the folder it may write to, then those it may read, too.
 */

/** Predictions come first when cores are scarce. */
const LOW_PRIORITY = constants.priority.PRIORITY_LOW

process.on('disconnect', () => process.exit())
// The terminal's Ctrl-C reaches the whole tree; control decides when this process ends.
process.on('SIGINT', () => undefined)
setPriority(LOW_PRIORITY)

const [spillFolder = '', ...folders] = process.argv.slice(2)
const parquet = openParquet(folders, spillFolder)

process.on('message', (request: AnalyticsRequest) => {
  void answer(request).then((reply) => process.send?.(reply))
})

async function answer(request: AnalyticsRequest): Promise<AnalyticsReply> {
  try {
    return { number: request.number, answer: await work(await parquet, request) }
  } catch (error) {
    return { number: request.number, error: (error as Error).message }
  }
}

function work(files: Parquet, request: AnalyticsRequest): Promise<unknown> {
  if (request.kind === 'compact') return files.compact(request.ask)
  if (request.kind === 'merge') return files.merge(request.ask)
  return files.find(request.ask)
}
