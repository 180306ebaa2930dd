import type { Answer, Cell, Frame, Method } from '@millwright/engine'
import type { CompiledProgram, Results } from '@millwright/engine/compiled'
import { RowError } from '@millwright/engine/errors'
import { HostFailure } from './failure.ts'
import type { RowFault } from './protocol.ts'
import type { ThreadOrder, ThreadReply } from './thread-protocol.ts'

/** A model as threads are told of it. */
export type SharedModel = {
  readonly id: number
  readonly bytes: SharedArrayBuffer
  /** For this thread. */
  readonly executable: CompiledProgram
}

/** What is asked of a pool, and whom it answers. */
export type Asked = {
  readonly model: SharedModel
  readonly frame: Frame
  readonly methods: readonly Method[]
  readonly signal: AbortSignal | undefined
  readonly resolve: (answers: Answer[]) => void
  readonly reject: (error: unknown) => void
}

/** Rows on their way through a pool, a share of them after the other. */
export type Run = Asked & {
  readonly results: Results
  readonly askedAt: number
  /** First row that no thread has taken. */
  next: number
  /** Shares that threads are computing. */
  open: number
  /** Of the smallest row that is refused. */
  fault: RowFault | undefined
  /** Of a thread. */
  failure: unknown
}

/** Rows of a share: some milliseconds of work, beside which sending them costs nothing. */
const SHARE_ROWS = 2048

export function openRun(asked: Asked): Run {
  const { frame, methods, model } = asked
  model.executable.prepare(methods)
  return {
    ...asked,
    frame: sharedFrame(frame),
    results: model.executable.createResults(methods, frame.rows),
    askedAt: performance.now(),
    ...{ next: 0, open: 0, fault: undefined, failure: undefined },
  }
}

function sharedFrame({ rows, numbers, cells }: Frame): Frame {
  const copy = new Float64Array(new SharedArrayBuffer(numbers.byteLength))
  copy.set(numbers)
  return { rows, numbers: copy, cells }
}

/** The next share; the run is one row or more ahead then. */
export function takeShare(run: Run): ThreadOrder {
  const { model, frame, methods, results, next } = run
  const { rows, numbers, cells } = frame
  const count = Math.min(SHARE_ROWS, rows - next)
  const part = <T extends Float64Array | readonly Cell[]>(values: T): T => {
    const width = rows === 0 ? 0 : values.length / rows
    const [from, to] = [next * width, (next + count) * width]
    return (values instanceof Float64Array ? values.subarray(from, to) : values.slice(from, to)) as T
  }
  run.next += count
  run.open += 1
  return {
    model: model.id,
    rows: count,
    numbers: part(numbers),
    cells: part(cells),
    methods,
    results: results.map((values) => (values instanceof Float64Array ? part(values) : undefined)),
  }
}

/** Whether there is a share that is worth taking. */
export const hasShares = ({ frame, next, fault, failure }: Run): boolean =>
  next < frame.rows && fault === undefined && failure === undefined

/** Takes over what a thread says of a share. @throws HostFailure ended for what is neither an answer nor a row's fault */
export function takeReply(run: Run, from: number, reply: ThreadReply): void {
  if ('error' in reply) throw new HostFailure('ended', `predicting failed (${reply.error})`)
  if ('rowFault' in reply) {
    const row = from + (reply.rowFault.row ?? 0)
    if (run.fault === undefined || row < run.fault.row!) run.fault = { ...reply.rowFault, row }
    return
  }
  for (const [ref, cells] of reply.cells.entries()) {
    const whole = run.results[ref]
    if (cells !== undefined && whole !== undefined)
      put(whole as Cell[], cells, (from * whole.length) / run.frame.rows)
  }
  for (const [ref, { mux }] of (reply.layouts ?? []).entries())
    if (mux !== undefined) run.model.executable.layouts[ref]!.mux ??= mux
}

function put(whole: Cell[], part: readonly Cell[], at: number): void {
  for (const [i, cell] of part.entries()) whole[at + i] = cell
}

/**
 * Answers, when all shares are back. Shares before the first that failed were taken before it, so the smallest row is
 * the first of all.
 */
export function finish({ model, frame, methods, results, fault, failure, resolve, reject }: Run): void {
  if (failure !== undefined) {
    reject(failure)
    return
  }
  if (fault === undefined) {
    resolve(model.executable.answer(methods, results, frame.rows))
    return
  }
  const { message, column, row, field } = fault
  reject(Object.assign(new RowError(message, column), { row, field }))
}
