import type { Answer, AnswerPart, Frame, Method } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import { HostFailure } from './failure.ts'
import type { Host, OnComputed } from './host.ts'

export type BatchOptions = {
  /** Most rows of one batch; a run of more goes alone. */
  readonly maxRows: number
  /** Longest the first run of a batch waits for others while the model has nothing to do, in milliseconds. */
  readonly waitMs: number
  /** Longest a run waits for those before it, in milliseconds. */
  readonly longestMs: number
  /** Told of every batch. */
  readonly onBatch?: ((batch: Batch) => void) | undefined
}

type Batch = {
  readonly runs: number
  readonly rows: number
  /** How long each run waited. */
  readonly waitedMs: readonly number[]
}

export type BatchedHost = {
  /**
   * As a host's, and a run whose signal fires before its batch begins is not part of it: rejects with the reason.
   * @param onComputed told when the model computed the batch
   * @throws HostFailure busy when too many runs wait, or this one waited too long
   */
  run(
    frame: Frame,
    methods: readonly Method[],
    signal?: AbortSignal,
    onComputed?: OnComputed,
  ): Promise<Answer[]>
  close(): Promise<void>
}

type Run = {
  readonly frame: Frame
  readonly methods: readonly Method[]
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly onComputed: OnComputed | undefined
  readonly askedAt: number
  readonly resolve: (answers: Answer[]) => void
  readonly reject: (error: unknown) => void
}

/** Runs that may wait. */
const MOST_WAITING = 1000

/**
 * Dynamic batching: runs that come while the model computes go together in its next run, those that ask for the same
 * methods. With nothing to do a run begins at once, or after `waitMs` for others. Rows that are refused do not take
 * others with them: each run of a batch is then tried alone.
 */
export function batched(host: Host, { maxRows, waitMs, longestMs, onBatch }: BatchOptions): BatchedHost {
  let queue: Run[] = []
  let isBusy = false
  let timer: NodeJS.Timeout | undefined

  const next = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const batch = takeBatch()
    if (batch.length === 0) return
    isBusy = true
    const now = performance.now()
    const waitedMs = batch.map(({ askedAt }) => now - askedAt)
    onBatch?.({ runs: batch.length, rows: rowsOf(batch), waitedMs })
    await runBatch(host, batch)
    isBusy = false
    plan()
  }
  const plan = (): void => {
    if (isBusy || queue.length === 0) return
    if (waitMs === 0 || rowsOf(queue) >= maxRows) void next()
    else timer ??= setTimeout(() => void next(), waitMs)
  }
  /** The oldest run, and all that wait for the same methods while there is room. */
  const takeBatch = (): Run[] => {
    const now = performance.now()
    const alive = queue.filter(({ signal, askedAt, reject }) => {
      if (signal?.aborted) reject(signal.reason)
      else if (now - askedAt > longestMs) reject(busy())
      else return true
      return false
    })
    const taken: Run[] = []
    let rows = 0
    queue = alive.filter((run) => {
      const fits = taken.length === 0 || (run.key === taken[0]!.key && rows + run.frame.rows <= maxRows)
      if (fits) {
        taken.push(run)
        rows += run.frame.rows
      }
      return !fits
    })
    return taken
  }
  return {
    run: (frame, methods, signal, onComputed) =>
      new Promise((resolve, reject) => {
        if (queue.length >= MOST_WAITING) {
          reject(busy())
          return
        }
        const askedAt = performance.now()
        queue.push({ frame, methods, key: methods.join(), signal, onComputed, askedAt, resolve, reject })
        plan()
      }),
    close: () => host.close(),
  }
}

const busy = (): HostFailure =>
  new HostFailure('busy', 'the model has more runs waiting than it can answer in time')

const rowsOf = (runs: readonly Run[]): number => runs.reduce((rows, { frame }) => rows + frame.rows, 0)

async function runBatch(host: Host, batch: readonly Run[]): Promise<void> {
  const [first, ...others] = batch as [Run, ...Run[]]
  if (others.length === 0) {
    await host.run(first.frame, first.methods, first.onComputed).then(first.resolve, first.reject)
    return
  }
  try {
    const frame = joinFrames(batch.map((run) => run.frame))
    const answers = await host.run(frame, first.methods, (computed) => {
      for (const { onComputed } of batch) onComputed?.(computed)
    })
    let from = 0
    for (const { frame, resolve } of batch) {
      resolve(sliceAnswers(answers, from, frame.rows))
      from += frame.rows
    }
  } catch (error) {
    if (!(error instanceof RowError)) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const run of batch) await runBatch(host, [run])
  }
}

function joinFrames(frames: readonly Frame[]): Frame {
  const numbers = new Float64Array(frames.reduce((sum, frame) => sum + frame.numbers.length, 0))
  let at = 0
  for (const frame of frames) {
    numbers.set(frame.numbers, at)
    at += frame.numbers.length
  }
  const rows = frames.reduce((sum, frame) => sum + frame.rows, 0)
  return { rows, numbers, cells: frames.flatMap(({ cells }) => cells) }
}

/** The answers to some of the rows. */
const sliceAnswers = (answers: readonly Answer[], from: number, rows: number): Answer[] =>
  answers.map((answer) => ({
    ...answer,
    parts: answer.parts.map(({ shape: [, ...rest], data }): AnswerPart => {
      const width = rest[0] ?? 1
      return { shape: [rows, ...rest], data: data.slice(from * width, (from + rows) * width) }
    }),
  }))
