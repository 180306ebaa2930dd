import type { Server, Socket } from 'node:net'

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
