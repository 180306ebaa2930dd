import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import { CommandError, EXIT } from '../command.ts'
import { openCrew } from './crew.ts'
import type { Job, Task } from './job.ts'
import { type Identity, identityOf, type Journal, type Mark, openJournal } from './journal.ts'
import type { WorkerStart } from './worker-protocol.ts'

/**
 * How often what was scored is put on the disk: as much is scored again after a kill. At first soon, then after a
 * twentieth of the time it took so far, so that a work of hours has some hundred marks; in milliseconds.
 */
const FIRST_MARK_MS = 200
const LAST_MARK_MS = 30_000
const markAfterMs = (elapsedMs: number): number =>
  Math.min(LAST_MARK_MS, Math.max(FIRST_MARK_MS, elapsedMs / 20))

export type Running = {
  readonly restart: boolean
  /** Rejected rows at which the work stops. */
  readonly maxRejects: number
  /** What a thread is started with, but for its place and what it needs to know of the file. */
  readonly worker: Omit<WorkerStart, 'seat' | 'seats' | 'text'>
  /** @param share of the input that is done, 0 to 1 */
  readonly onProgress: (rows: number, share: number) => void
  readonly onWriting: () => void
}

export type Summary = Mark & {
  /** Rows that a run before had scored. */
  readonly resumed: number
}

/** All cores; this thread only reads and writes. */
export const THREADS = availableParallelism()

/**
 * Scores a file and writes what comes of it, whole or not at all; what was scored before the process ended is not scored
 * again.
 * @throws CommandError
 */
export async function runBatch(task: Task, running: Running): Promise<Summary> {
  const journal = await openJournal(task.output.path, await identity(task), running.restart)
  let done = false
  try {
    const job = await openJob(task, journal)
    try {
      const mark = journal.mark.end ? journal.mark : await scoreAll(job, journal, running)
      running.onWriting()
      await job.finish(mark)
      await syncFolder(dirname(task.output.path))
      done = true
      return { ...mark, resumed: journal.mark.rows }
    } finally {
      await job.close()
    }
  } finally {
    await journal.close(done)
  }
}

async function identity({ model, input, output, keep, rejectsPath }: Task): Promise<Identity> {
  return {
    'input file': await identityOf(input.path),
    model: `${model.digest} ${model.version}`,
    decision: JSON.stringify(model.decision),
    'output format': `${output.format} ${output.separator}`,
    '--keep': keep === undefined ? null : JSON.stringify(keep),
    '--rejects': rejectsPath,
  }
}

async function openJob(task: Task, { folder, mark }: Journal): Promise<Job> {
  if (task.input.format === 'parquet')
    return (await import('./parquet-job.ts')).openParquetJob(task, folder, mark)
  return (await import('./text-job.ts')).openTextJob(task, folder, mark)
}

async function scoreAll(job: Job, journal: Journal, running: Running): Promise<Mark> {
  const crew = openCrew(THREADS, (seat) => ({ ...running.worker, text: job.text, seat, seats: THREADS + 1 }))
  let { next, rows, rejected } = journal.mark
  const startedAt = performance.now()
  let markedAt = startedAt
  const mark = async (end: boolean): Promise<Mark> => {
    const reached = { next, rows, rejected, ...(await job.sync()), end }
    await journal.write(reached)
    markedAt = performance.now()
    return reached
  }
  try {
    for await (const { piece, next: after } of crew.work(job.pieces(next))) {
      await job.append(piece, rows)
      next = after
      rows += piece.rows
      rejected += piece.rejects.length
      running.onProgress(rows, next / job.total)
      if (rejected > running.maxRejects) {
        await mark(false)
        throw tooManyRejects(rejected, running.maxRejects)
      }
      if (performance.now() - markedAt > markAfterMs(markedAt - startedAt)) await mark(false)
    }
    return await mark(true)
  } finally {
    await crew.close()
  }
}

const tooManyRejects = (rejected: number, most: number): CommandError =>
  new CommandError(
    `${rejected} rows were rejected, and --max-rejects is ${most}`,
    ['mend the rows and add --restart, or allow more and run the same command again'],
    EXIT.gate,
  )

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
