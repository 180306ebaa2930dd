import type { Server, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

type Most = { readonly connections: number; readonly connectionsPerAddress: number }

/** Closes connections beyond what one gateway, and one address, may have, before a byte of them is read. */
export function limitConnections(server: Server, { connections, connectionsPerAddress }: Most): void {
  server.maxConnections = connections
  const counts = new Map<string, number>()
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const open = (counts.get(address) ?? 0) + 1
    counts.set(address, open)
    socket.once('close', () => {
      const left = counts.get(address)! - 1
      if (left === 0) counts.delete(address)
      else counts.set(address, left)
    })
    if (open > connectionsPerAddress) socket.destroy()
  })
}

/** Turns of the event loop that closing a port is put off at most, and how long a quiet one takes. */
const MOST_TURNS = 1_000
const QUIET_MS = 0.2

/**
 * Closes the port. The kernel resets who is in its queue then, so it is done right after a turn of the event loop in
 * which nobody came and nothing else was done: who comes meanwhile has microseconds to do so.
 */
export async function closeListener(server: Server): Promise<{ readonly closed: Promise<void> }> {
  let isQuiet = false
  const onConnection = (): void => {
    isQuiet = false
  }
  server.prependListener('connection', onConnection)
  for (let turn = 0; !isQuiet && turn < MOST_TURNS; turn++) {
    isQuiet = true
    const startedAt = performance.now()
    await nextTurn()
    isQuiet &&= performance.now() - startedAt < QUIET_MS
  }
  server.removeListener('connection', onConnection)
  return { closed: new Promise((resolve) => server.close(() => resolve())) }
}
