import { Worker } from 'node:worker_threads'
import type { Answer, AnswerPart, Cell, Frame, Method } from '@millwright/engine'
import { RowError } from '@millwright/engine/errors'
import { HostFailure } from './failure.ts'
import type { Host } from './host.ts'
import type { RowFault } from './protocol.ts'
import type { ThreadOrder, ThreadReply, ThreadStart } from './thread-protocol.ts'

/** Rows of a share: some milliseconds of work, beside which sending them costs nothing. */
const SHARE_ROWS = 4096

/** The one place that knows where the code of the thread is: a build that moves it rewrites this URL. */
const WORKER_URL = new URL('./thread-worker.ts', import.meta.url)

/**
 * Predicts large batches on several threads at once, with the bits of one: rows are independent of each other. The
 * encoded program and the numbers of a batch lie in memory that all threads read; each compiles kernels of its own.
 */
export function openThreads(program: Uint8Array, count: number): Host {
  const shared = new SharedArrayBuffer(program.length)
  new Uint8Array(shared).set(program)
  const workers = Array.from({ length: count }, () => startWorker(shared))
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(frame, methods) {
      const answers = last.then(() => runShares(workers, sharedFrame(frame), methods))
      last = answers.catch(() => {})
      return answers
    },
    async close() {
      await last
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

function startWorker(program: SharedArrayBuffer): Worker {
  const worker = new Worker(WORKER_URL, { workerData: { program } satisfies ThreadStart })
  worker.unref()
  worker.setMaxListeners(0)
  // Told to whoever waits for it; without a listener it would end this process.
  worker.on('error', () => {})
  return worker
}

function sharedFrame({ rows, numbers, cells }: Frame): Frame {
  const copy = new Float64Array(new SharedArrayBuffer(numbers.byteLength))
  copy.set(numbers)
  return { rows, numbers: copy, cells }
}

/** Every thread takes the next share when it is done with one; after a row that is refused none begins. */
async function runShares(
  workers: readonly Worker[],
  frame: Frame,
  methods: readonly Method[],
): Promise<Answer[]> {
  const merged = createMerge(frame.rows)
  const faults: RowFault[] = []
  let next = 0
  const work = async (worker: Worker): Promise<void> => {
    while ((next < frame.rows || next === 0) && faults.length === 0) {
      const from = next
      next += SHARE_ROWS
      const reply = await ask(worker, shareOf(frame, from, methods))
      if ('answers' in reply) merged.add(reply.answers, from)
      else if ('rowFault' in reply) faults.push({ ...reply.rowFault, row: from + (reply.rowFault.row ?? 0) })
      else throw new HostFailure('ended', `predicting failed: ${reply.error}`)
    }
  }
  await Promise.all(workers.map(work))
  // Shares before the first that failed were taken before it, so the smallest row is the first of all.
  const [first] = faults.sort((a, b) => a.row! - b.row!)
  if (first === undefined) return merged.answers()
  const { message, column, row, field } = first
  throw Object.assign(new RowError(message, column), { row, field })
}

function shareOf({ rows, numbers, cells }: Frame, from: number, methods: readonly Method[]): ThreadOrder {
  const count = Math.min(SHARE_ROWS, rows - from)
  const [width, cellWidth] = rows === 0 ? [0, 0] : [numbers.length / rows, cells.length / rows]
  return {
    rows: count,
    numbers: numbers.subarray(from * width, (from + count) * width),
    cells: cells.slice(from * cellWidth, (from + count) * cellWidth),
    methods,
  }
}

/** @throws HostFailure ended when the thread is gone */
function ask(worker: Worker, order: ThreadOrder): Promise<ThreadReply> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit).unref()
    }
    const onMessage = (reply: ThreadReply): void => {
      settle()
      resolve(reply)
    }
    const fail = (why: string): void => {
      settle()
      reject(new HostFailure('ended', `a thread that predicts ended: ${why}`))
    }
    const onError = (error: Error): void => fail(error.message)
    const onExit = (code: number): void => fail(`exit ${code}`)
    worker.on('message', onMessage).on('error', onError).on('exit', onExit).ref()
    worker.postMessage(order)
  })
}

/** Puts the answers of shares together. All shares answer the same methods, with the same widths. */
function createMerge(rows: number) {
  let whole: Answer[] | undefined
  return {
    add(answers: readonly Answer[], from: number): void {
      whole ??= answers.map((answer) => ({
        ...answer,
        parts: answer.parts.map((part) => emptyPart(part, rows)),
      }))
      for (const [i, { parts }] of answers.entries())
        for (const [j, part] of parts.entries()) put(whole[i]!.parts[j]!, part, from)
    },
    answers: (): Answer[] => whole!,
  }
}

function emptyPart({ shape: [, ...rest], data }: AnswerPart, rows: number): AnswerPart {
  const length = rows * (rest[0] ?? 1)
  return {
    shape: [rows, ...rest],
    data: data instanceof Float64Array ? new Float64Array(length) : new Array<Cell>(length).fill(null),
  }
}

function put(target: AnswerPart, { shape, data }: AnswerPart, from: number): void {
  const start = from * (shape[1] ?? 1)
  if (data instanceof Float64Array) (target.data as Float64Array).set(data, start)
  else for (const [i, cell] of data.entries()) (target.data as Cell[])[start + i] = cell
}
