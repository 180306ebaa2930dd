import { workerData } from 'node:worker_threads'
import { endWhenOver } from './memory.ts'

/** Often enough that a model which takes 1 GB a second is stopped within 50 MB of its limit. */
const LOOK_EVERY_MS = 50

const { memoryBytes, parent } = workerData as { readonly memoryBytes: number; readonly parent: number }

/** Ends the process of a model that took too much memory, or whose owner is gone: it may be too busy to see to it itself. */
setInterval(() => {
  endWhenOver(memoryBytes)
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, LOOK_EVERY_MS)
