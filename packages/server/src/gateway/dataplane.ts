import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FieldError } from '@millwright/contracts'
import type { Method } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import type { Manners } from '@millwright/inference/convert'
import { faultOf } from '@millwright/inference/run-frame'
import { fieldErrorAt, type Slab } from '@millwright/inference/validate'
import type { Computed } from '@millwright/runtime/host'
import type { IdSource } from '../ids.ts'
import type { Payload } from '../segments/format.ts'
import { type Log, logRows } from './log-rows.ts'
import { isFailed, PredictedRow, type RowIds, type RowResult } from './predicted-row.ts'
import { invalidFields, type RowSource } from './rows.ts'
import { type RowRun, runHosted, runPooled, runRows } from './run-rows.ts'
import type { Served } from './served.ts'
import type { Span } from './tracing/span.ts'

export type InferRequest = {
  readonly rows: RowSource
  readonly requestId: string
  /** `performance.now()` when the request was parsed. */
  readonly startedAt: number
  readonly manners: Manners
  /** Methods to answer besides the prediction; all are the model's. */
  readonly outputs?: readonly Method[] | undefined
  /** The caller's ids and subjects, one per row. */
  readonly ids?: readonly string[] | undefined
  readonly subjects?: readonly string[] | undefined
  /** Ends waiting for a host or threads, and what is left of many rows. */
  readonly signal: AbortSignal | undefined
  /** Of the trace it is a part of, where that is recorded. */
  readonly span: Span | undefined
  /** Bad rows fail the request, before anything is logged. */
  readonly whole?: boolean
  /** Size of what the rows were read from, where it is known. */
  readonly bodyBytes?: number
}

/** The one core behind every door: rows in, results out, in order. */
export type Dataplane = {
  /** Predicts on the spot. For requests of at most `served.nowRows` rows. */
  inferNow(served: Served, request: InferRequest): RowResult[]
  /**
   * Predicts block by block, letting other requests in between; many rows on threads; by a host where one runs the
   * model.
   * @throws MillwrightError MODEL_TIMEOUT, MODEL_FAILED, MODEL_BUSY
   */
  infer(served: Served, request: InferRequest): Promise<RowResult[]>
}

export type DataplaneDeps = {
  readonly ids: IdSource
  readonly log: Log
}

/** Errors listed for one row of several, so that a bad batch has an answer of bounded size. */
const ERRORS_PER_ROW = 5
/** Blocks of a request that each thread has to do, so that it need not wait for the next. */
const BLOCKS_AHEAD = 2

export function createDataplane(deps: DataplaneDeps): Dataplane {
  const openBlock = (served: Served, request: InferRequest, block: Block): OpenBlock => {
    const size = block.to - block.from
    const { results } = block
    const slab = size === 1 && served.nowRows > 0 ? served.slab : served.readers.strict.createSlab(size)
    const good = readBlock(served, request, block, slab)
    if (request.whole && good.length < size)
      throw invalidFields(results.flatMap((row) => (isFailed(row) ? row.errors : [])))
    const methods = methodsOf(served, request)
    return { ...block, slab, good, methods, computed: request.span && [], enteredAt: performance.now() }
  }
  const idsOf = ({ ids, rows }: InferRequest): RowIds => {
    const own = ids === undefined || ids.length < rows.count ? deps.ids.run('prd_', rows.count) : undefined
    return (index) => ids?.[index] ?? own!(index)
  }
  const finish = (served: Served, request: InferRequest): void => {
    served.versionMetrics.latency.observe((performance.now() - request.startedAt) / 1000)
  }
  return {
    inferNow(served, request) {
      const results = new Array<RowResult>(request.rows.count)
      served.metrics.rows.value += request.rows.count
      if (served.engine.kind !== 'inline') throw new RangeError('inferNow: a host runs the model')
      const rows = { from: 0, to: request.rows.count, results, ids: idsOf(request), log: deps.log }
      const block = openBlock(served, request, rows)
      const runs = runRows(served.engine.executable, served.readers.strict, block)
      settleBlock(served, request, { ...block, runs, leftAt: performance.now() })
      finish(served, request)
      return results
    },
    async infer(served, request) {
      const { count: rows } = request.rows
      const results = new Array<RowResult>(rows)
      served.metrics.rows.value += rows
      const ids = idsOf(request)
      const records: [Payload, number][] = []
      const log: Log = request.whole ? { append: (...record) => records.push(record) } : deps.log
      const runner = runnerOf(served, request)
      const start = async (index: number): Promise<RanBlock> => {
        request.signal?.throwIfAborted()
        const from = index * served.blockRows
        const to = Math.min(rows, from + served.blockRows)
        const block = openBlock(served, request, { from, to, results, ids, log })
        return { ...block, runs: await runner.run(block), leftAt: performance.now() }
      }
      const blocks = { count: Math.ceil(rows / served.blockRows), most: runner.most }
      await inTurns(blocks, start, (block) => settleBlock(served, request, block))
      for (const record of records) deps.log.append(...record)
      finish(served, request)
      return results
    },
  }
}

/** Answers a block's good rows by what the model said, counts and logs them. */
function settleBlock(served: Served, request: InferRequest, block: RanBlock): void {
  const { results, ids, good, enteredAt, runs, leftAt, computed = [] } = block
  if (good.length === 0) return
  if (request.whole) assertAnswered(request, good, runs)
  served.metrics.engineSeconds.value += (leftAt - enteredAt) / 1000
  const engineSpan = request.span?.piece('engine', enteredAt, leftAt)
  for (const { startedAt, endedAt } of computed) engineSpan?.piece('compute', startedAt, endedAt)
  const timeMs = Date.now()
  served.metrics.lastPredicted.ms = timeMs
  for (let position = 0; position < good.length; position++) {
    const index = good[position]!
    const run = runs[position]!
    if (run instanceof RowError) {
      results[index] = { id: ids(index), errors: [errorOfModel(run, request.rows, index)] }
      served.metrics.badRows.value += 1
      continue
    }
    const predicted = new PredictedRow(served, run, { ids, index, outputs: request.outputs })
    results[index] = predicted
    served.metrics.predicted.value += 1
    count(served, predicted)
  }
  const latencyUs = Math.round((leftAt - request.startedAt) * 1000)
  logRows(served, block, { request, timeMs, latencyUs })
}

/** Runs the good rows of a block. */
type RunBlock = (block: OpenBlock) => (RowRun | RowError)[] | Promise<(RowRun | RowError)[]>

/** How the blocks of a request are run, and how many of them at a time. */
function runnerOf(
  { engine, readers: { strict }, threadRows }: Served,
  { rows, signal }: InferRequest,
): { readonly run: RunBlock; readonly most: number } {
  if (engine.kind === 'hosted')
    return { run: (block) => runHosted(engine.host, strict, block, signal), most: 1 }
  const { executable, pooled } = engine
  if (pooled === undefined || rows.count < threadRows)
    return { run: (block) => runRows(executable, strict, block), most: 1 }
  return { run: (block) => runPooled(pooled, strict, block, signal), most: BLOCKS_AHEAD * pooled.threads }
}

/**
 * Starts tasks one after the other, at most so many at a time, and takes what they give in that order, letting others in
 * between.
 */
async function inTurns<T>(
  { count, most }: { readonly count: number; readonly most: number },
  start: (index: number) => Promise<T>,
  take: (given: T) => void,
): Promise<void> {
  const running: Promise<T>[] = []
  for (let index = 0; index < count + most; index++) {
    const first = index < most ? undefined : running.shift()
    if (first !== undefined) take(await first)
    if (index > 0) await nextTurn()
    if (index >= count) continue
    const task = start(index)
    // Told when its turn comes.
    task.catch(() => {})
    running.push(task)
  }
}

/** Rows [from, to) of a request. */
type Block = {
  readonly from: number
  readonly to: number
  readonly results: RowResult[]
  readonly ids: RowIds
  readonly log: Log
}

/** A block whose good rows are read. */
type OpenBlock = Block & {
  readonly slab: Slab
  /** Rows of the request by their place in the slab. */
  readonly good: readonly number[]
  readonly methods: readonly Method[]
  readonly computed: Computed[] | undefined
  readonly enteredAt: number
}

/** @throws MillwrightError VALIDATION_FAILED when the model refused a row */
function assertAnswered(
  { rows }: InferRequest,
  good: readonly number[],
  runs: readonly (RowRun | RowError)[],
): void {
  const errors = runs.flatMap((run, position) =>
    run instanceof RowError ? [errorOfModel(run, rows, good[position]!)] : [],
  )
  if (errors.length > 0) throw invalidFields(errors)
}
/** A block with what there is to answer. */
type RanBlock = OpenBlock & { readonly runs: readonly (RowRun | RowError)[]; readonly leftAt: number }

/** Reads a block into the slab. Returns the indices of its good rows, in the order they stand in the slab. */
function readBlock(served: Served, request: InferRequest, block: Block, slab: Slab): number[] {
  const { rows } = request
  const reader = served.readers[request.manners]
  const good: number[] = []
  for (let index = block.from; index < block.to; index++) {
    const faults = rows.read(reader, index, slab, good.length)
    if (faults === undefined) {
      good.push(index)
      continue
    }
    served.metrics.badRows.value += 1
    const listed = rows.single ? faults : faults.slice(0, ERRORS_PER_ROW)
    const errors = listed.map((fault) => fieldErrorAt(rows.pointer(index, fault.field), fault))
    block.results[index] = { id: block.ids(index), errors }
  }
  return good
}

function methodsOf(served: Served, { outputs }: InferRequest): readonly Method[] {
  return outputs === undefined ? served.defaults : [...new Set([...served.defaults, ...outputs])]
}

function errorOfModel(error: RowError, rows: RowSource, index: number): FieldError {
  const fault = faultOf(error)
  return fieldErrorAt(rows.pointer(index, fault.field), fault)
}

function count(served: Served, { label, decided }: PredictedRow): void {
  const { versionMetrics, scored, countsClasses } = served
  versionMetrics.outcome(decided?.outcome ?? (countsClasses ? String(label) : 'value')).value += 1
  if (decided !== undefined && scored?.isProbability) versionMetrics.score.observe(decided.score)
}
