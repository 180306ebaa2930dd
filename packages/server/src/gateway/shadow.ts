import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Dataplane, InferRequest } from './dataplane.ts'
import { isFailed, type RowResult } from './predicted-row.ts'
import type { RowSource } from './rows.ts'
import type { Served, Shadow } from './served.ts'

export type ShadowOptions = {
  /** Told of the first failure of each shadow. */
  readonly onError: (error: unknown, shadow: Shadow) => void
  /** In [0, 1). */
  readonly random?: () => number
}

/** Rows, and bytes of the requests they came in, that wait; more are dropped. */
const WAITING_ROWS = 2048
const WAITING_BYTES = 8 << 20
/** A request of unknown size counts as much. */
const USUAL_BYTES = 64 << 10

/** How often idle time is measured, in milliseconds, and which share of it shadows may take. */
const TICK_MS = 2
const IDLE_SHARE = 0.3
/** Idle time is not saved up beyond this, in milliseconds. */
const MOST_BUDGET_MS = 0.6

/** A part of a request that a candidate is still to be asked. */
type Job = { readonly shadow: Shadow; readonly request: InferRequest; readonly bytes: number }

/**
 * The same data plane, with copies of requests for candidates in shadow. A copy is put aside once its request is answered,
 * and computed when the process had nothing else to do: one block at a time, other requests in between, in a share of the
 * time that was idle. When there is none, copies are dropped and counted; nobody waits for them and nothing they do shows.
 */
export function withShadows(plane: Dataplane, options: ShadowOptions): Dataplane {
  const queue = createQueue(plane, options)
  return {
    inferNow(served, request) {
      const results = plane.inferNow(served, request)
      if (served.shadow !== undefined) queue.offer(served.shadow, request, results)
      return results
    },
    infer(served, request) {
      if (served.shadow === undefined) return plane.infer(served, request)
      const { shadow } = served
      return plane.infer(served, request).then((results) => {
        queue.offer(shadow, request, results)
        return results
      })
    },
  }
}

function createQueue(plane: Dataplane, { onError, random = Math.random }: ShadowOptions) {
  const jobs: Job[] = []
  const waiting = { rows: 0, bytes: 0 }
  const failed = new WeakSet<Shadow>()
  let isRunning = false

  const run = async ({ shadow, request }: Job): Promise<void> => {
    const { rows, served } = shadow
    try {
      const results = await plane.infer(served, { ...request, startedAt: performance.now() })
      const refused = results.filter(isFailed).length
      rows.refused.value += refused
      rows.answered.value += results.length - refused
    } catch (error) {
      rows.failed.value += request.rows.count
      if (!failed.has(shadow)) onError(error, shadow)
      failed.add(shadow)
    }
  }
  const runAll = async (): Promise<void> => {
    const idle = createIdleClock()
    let budgetMs = 0
    while (jobs.length > 0) {
      await sleep(TICK_MS, undefined, { ref: false })
      budgetMs = Math.min(MOST_BUDGET_MS, budgetMs + IDLE_SHARE * idle.sinceLastMs())
      while (budgetMs > 0 && jobs.length > 0) {
        const job = jobs.shift()!
        waiting.rows -= job.request.rows.count
        waiting.bytes -= job.bytes
        const startedAt = performance.now()
        await run(job)
        budgetMs -= performance.now() - startedAt
        await nextTurn()
      }
    }
    isRunning = false
  }
  return {
    offer(shadow: Shadow, request: InferRequest, results: readonly RowResult[]): void {
      if (shadow.percent < 100 && random() * 100 >= shadow.percent) return
      const { count } = request.rows
      const bytes = request.bodyBytes ?? USUAL_BYTES
      if (waiting.rows + count > WAITING_ROWS || waiting.bytes + bytes > WAITING_BYTES) {
        shadow.rows.dropped.value += count
        return
      }
      waiting.rows += count
      waiting.bytes += bytes
      for (const part of partsOf(shadow.served, request, results))
        jobs.push({ shadow, request: part, bytes: (bytes * part.rows.count) / count })
      if (isRunning) return
      isRunning = true
      void runAll()
    },
  }
}

/** A request as the candidate is asked, block by block, under the ids of the live answers. */
function partsOf(served: Served, request: InferRequest, results: readonly RowResult[]): InferRequest[] {
  const { rows, subjects, outputs } = request
  const parts: InferRequest[] = []
  for (let from = 0; from < rows.count; from += served.blockRows) {
    const to = Math.min(rows.count, from + served.blockRows)
    parts.push({
      ...request,
      rows: slice(rows, from, to),
      ids: results.slice(from, to).map(({ id }) => id),
      subjects: subjects?.slice(from, to),
      outputs: outputs?.filter((name) => served.methods.includes(name)),
      signal: undefined,
      span: undefined,
    })
  }
  return parts
}

const slice = (rows: RowSource, from: number, to: number): RowSource => ({
  count: to - from,
  single: rows.single,
  read: (reader, index, slab, at) => rows.read(reader, from + index, slab, at),
  pointer: (index, field) => rows.pointer(from + index, field),
})

/** Time in which the event loop had nothing to do. */
function createIdleClock() {
  let last = performance.eventLoopUtilization().idle
  return {
    sinceLastMs(): number {
      const { idle } = performance.eventLoopUtilization()
      const sinceLast = idle - last
      last = idle
      return sinceLast
    },
  }
}
