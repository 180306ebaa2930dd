import type { Answer, Frame, Method, Program } from '@millwright/engine'
import { decodeProgram, decodeValidated } from '@millwright/engine/codec'
import { type CompiledProgram, compileProgram } from '@millwright/engine/compiled'
import { HostFailure } from './failure.ts'
import { finish, hasShares, openRun, type Run, type SharedModel, takeReply, takeShare } from './pool-run.ts'
import { createPreparer } from './preparer.ts'
import { startThread, type Thread } from './thread.ts'
import type { Prepared } from './thread-protocol.ts'

export type PoolOptions = {
  /** Most threads, at least one. They start when there is work for them, and end when there was none for a while. */
  readonly threads: number
  /** Longest a thread computes one share, and a run waits for its first, in milliseconds. */
  readonly runMs: number
  /** Threads that had nothing to do for so long give back their memory, in milliseconds. */
  readonly idleMs?: number
}

/** A program whose arrays lie in its encoded bytes, where all threads read them. */
export type SharedProgram = {
  readonly program: Program
  readonly bytes: SharedArrayBuffer
  /** What a thread has found and laid out; without it that is done where it is opened. */
  readonly prepared?: Prepared
}

/** @throws RangeError when the bytes are not an encoded program */
export function shareProgram(encoded: Uint8Array): SharedProgram {
  const bytes = new SharedArrayBuffer(encoded.length)
  new Uint8Array(bytes).set(encoded)
  return { program: decodeProgram(new Uint8Array(bytes)), bytes }
}

/** A model that lies in memory once, for this thread and those of a pool. */
export type PooledModel = {
  /** For this thread. */
  readonly executable: CompiledProgram
  /** How many of them there may be. */
  readonly threads: number
  /**
   * Predicts on the threads, with the bits of `executable`. A run whose signal fires gets no further share.
   * @throws RowError for the first row that the model refuses
   * @throws HostFailure busy when too many runs wait, time or ended when a thread did not answer
   */
  run(frame: Frame, methods: readonly Method[], signal?: AbortSignal): Promise<Answer[]>
  close(): void
}

/** Threads that all models of a process share. */
export type Pool = {
  readonly threads: number
  /**
   * Checks the bytes of a program, and gets it ready in a thread, so that nobody waits meanwhile.
   * @throws Error when they are no program that is valid, HostFailure when the thread did not answer
   */
  load(bytes: SharedArrayBuffer): Promise<SharedProgram>
  open(program: SharedProgram): PooledModel
  /** Ends the threads; runs under way fail. */
  close(): Promise<void>
}

/** Of a pool: its threads, and the one that has it. */
const seatsOf = (threads: number): number => threads + 1

/** Runs that may wait. */
const MOST_WAITING = 256
const IDLE_MS = 30_000

export function openPool({ threads, runMs, idleMs = IDLE_MS }: PoolOptions): Pool {
  const crew = createCrew({ most: threads, idleMs }, () => pump())
  const preparer = createPreparer(seatsOf(threads))
  let queue: Run[] = []
  let lastModel = 0
  let isClosed = false

  /** Runs take turns; those that are not worth a share any more are answered so. */
  const takeRun = (): Run | undefined => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
      const failure = failureOf(run, runMs)
      if (failure === undefined) return run
      run.reject(failure)
    }
    return undefined
  }
  const pump = (): void => {
    while (!isClosed && crew.isFree()) {
      const run = takeRun()
      if (run === undefined) return
      void work(crew.take(), run)
    }
  }
  const work = async (thread: Thread, run: Run): Promise<void> => {
    const from = run.next
    const order = takeShare(run)
    if (hasShares(run)) queue.push(run)
    try {
      thread.inform(run.model)
      takeReply(run, from, await thread.ask(order, runMs))
      crew.giveBack(thread)
    } catch (error) {
      run.failure ??= error
      crew.end(thread)
    }
    run.open -= 1
    if (!hasShares(run)) queue = queue.filter((other) => other !== run)
    if (run.failure !== undefined || (run.open === 0 && !queue.includes(run))) finish(run)
    pump()
  }
  return {
    threads,
    async load(bytes) {
      const prepared = await preparer.prepare(bytes)
      return { program: decodeValidated(new Uint8Array(bytes)), bytes, prepared }
    },
    open({ program, bytes, prepared }) {
      const seat = { number: 0, of: seatsOf(threads), isPioneer: true }
      const executable = compileProgram(program, { seat, ...prepared })
      const model: SharedModel = { id: ++lastModel, bytes, executable }
      return {
        executable,
        threads,
        run: (frame, methods, signal) =>
          new Promise((resolve, reject) => {
            if (isClosed || queue.length >= MOST_WAITING) reject(busy())
            else {
              queue.push(openRun({ model, frame, methods, signal, resolve, reject }))
              pump()
            }
          }),
        close: () => crew.forget(model),
      }
    },
    async close() {
      isClosed = true
      for (const run of queue.splice(0)) run.reject(busy())
      preparer.close()
      await crew.close()
    },
  }
}

/** The threads of a pool. `onSeat` is told when one more can be started. */
function createCrew(
  { most, idleMs }: { readonly most: number; readonly idleMs: number },
  onSeat: () => void,
) {
  const living = new Set<Thread>()
  const idle: Thread[] = []
  const seats = Array.from({ length: most }, (_, i) => i + 1)
  let retiring: NodeJS.Timeout | undefined

  const start = (): Thread => {
    const thread = startThread({ seat: seats.shift()!, seats: seatsOf(most) })
    living.add(thread)
    return thread
  }
  /** Its seat is free when it surely writes no more. */
  const end = async (thread: Thread): Promise<void> => {
    living.delete(thread)
    await thread.end()
    seats.push(thread.seat)
    seats.sort((a, b) => a - b)
    onSeat()
  }
  return {
    /** Whether there is a thread to take. */
    isFree: () => idle.length > 0 || seats.length > 0,
    take(): Thread {
      clearTimeout(retiring)
      return idle.shift() ?? start()
    },
    giveBack(thread: Thread): void {
      idle.push(thread)
      clearTimeout(retiring)
      retiring = setTimeout(() => {
        for (const one of idle.splice(0)) void end(one)
      }, idleMs).unref()
    },
    end(thread: Thread): void {
      if (living.has(thread)) void end(thread)
    },
    forget(model: SharedModel): void {
      for (const thread of living) thread.forget(model)
    },
    async close(): Promise<void> {
      clearTimeout(retiring)
      await Promise.all([...living].map(end))
    },
  }
}

const busy = (): HostFailure =>
  new HostFailure('busy', 'the threads have more rows waiting than they can answer in time')

/** Why a run that waits is not worth a share. */
function failureOf({ signal, next, askedAt }: Run, runMs: number): unknown {
  if (signal?.aborted) return signal.reason
  return next === 0 && performance.now() - askedAt > runMs ? busy() : undefined
}
