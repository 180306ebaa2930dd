import { HostFailure } from './failure.ts'
import { startThread, type Thread } from './thread.ts'
import type { Prepared } from './thread-protocol.ts'

/** Gets programs ready in a thread, so that nobody waits meanwhile. */
export type Preparer = {
  /** @throws Error when the bytes are no program that is valid, HostFailure when the thread did not answer */
  prepare(bytes: SharedArrayBuffer): Promise<Prepared>
  close(): void
}

/** A forest of gigabytes takes a minute. */
const LONGEST_MS = 600_000
/** The thread gives back its memory when there was nothing to do for so long. */
const IDLE_MS = 1_000

/**
 * One program after the other, in a thread that is started when there is one.
 * @param seats of the pool that the programs are opened in
 */
export function createPreparer(seats: number): Preparer {
  let thread: Thread | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()
  let isClosed = false

  const end = (): void => {
    clearTimeout(idle)
    void thread?.end()
    thread = undefined
  }
  const ask = async (bytes: SharedArrayBuffer): Promise<Prepared> => {
    if (isClosed) throw new HostFailure('ended', 'the process ends, and loads no model any more')
    clearTimeout(idle)
    thread ??= startThread({ seat: 0, seats })
    const reply = await thread.ask({ prepare: bytes, seats }, LONGEST_MS).catch((failure: unknown) => {
      end()
      throw failure
    })
    idle = setTimeout(end, IDLE_MS).unref()
    if ('error' in reply) throw new Error(reply.error)
    return reply
  }
  return {
    prepare(bytes) {
      const prepared = last.then(() => ask(bytes))
      last = prepared.catch(() => {})
      return prepared
    },
    close() {
      isClosed = true
      end()
    },
  }
}
