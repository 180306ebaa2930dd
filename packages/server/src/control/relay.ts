import { mkdir, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createFrameReader, type Frame, writeFrame } from '../channel/frames.ts'
import type { RelayedHead } from '../channel/relayed.ts'
import type { MlflowAnswer } from '../mlflow/door.ts'

/** Answers a relayed request. Never rejects. */
export type AnswerRelayed = (head: RelayedHead, body: Buffer) => Promise<MlflowAnswer>

/** The end of the channel where gateways ask. Frames of one socket are answered as they are ready, in any order. */
export function createRelayServer(answer: AnswerRelayed): Server {
  return createServer((socket: Socket) => {
    const read = createFrameReader((frame) => void respond(socket, frame, answer))
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      try {
        read(chunk)
      } catch {
        // What is no frame of ours ends the connection; the gateway opens another one.
        socket.destroy()
      }
    })
  })
}

async function respond(socket: Socket, { id, head, body }: Frame, answer: AnswerRelayed): Promise<void> {
  const reply = await answer(JSON.parse(head) as RelayedHead, body)
  if (!socket.destroyed) socket.write(writeFrame({ id, code: reply.status, head: '', body: reply.body }))
}

/** A socket file outlives the process that made it. */
export async function listenForRelays(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}
