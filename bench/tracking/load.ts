import { Agent, type OutgoingHttpHeaders, request } from 'node:http'
import { cpuSeconds, type Program } from '../http/programs.ts'

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  /** A text is JSON. */
  readonly body?: string | Buffer
}

/** What callers met. Times in milliseconds; processor time is that of all the server's processes. */
export type Load = {
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly cpu: number
}

type Run = { readonly callers: number; readonly seconds: number }

/** Fewest requests of a point, however long they take. */
const FEWEST = 2

/** Callers that ask again as soon as they are answered. @throws Error when an answer is not 200 */
export async function load(
  server: Program,
  call: (turn: number) => Call,
  { callers, seconds }: Run,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const times: number[] = []
  const pids = server.pids()
  const before = cpuSeconds(pids)
  const startedAt = performance.now()
  const until = startedAt + seconds * 1000
  let turn = 0
  const loop = async (): Promise<void> => {
    while (performance.now() < until || turn < Math.max(FEWEST, callers)) {
      const at = performance.now()
      await ask(server.port, call(turn++), agent)
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: callers }, loop))
  const elapsed = (performance.now() - startedAt) / 1000
  const cpu = cpuSeconds(pids) - before
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))]!
  return {
    ...{ requests: times.length, perSecond: times.length / elapsed, p50: at(0.5), p99: at(0.99) },
    cpu: (cpu * 1000) / times.length,
  }
}

/** One call; what is answered is read to its end. */
export function ask(port: number, { method, path, body }: Call, agent?: Agent): Promise<Buffer> {
  const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
  const headers: OutgoingHttpHeaders =
    body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', method, path, headers, ...(agent && { agent }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          if (response.statusCode === 200) resolve(bytes)
          else reject(new Error(`${method} ${path}: ${response.statusCode} ${bytes.subarray(0, 500)}`))
        })
      },
    )
    sent.on('error', reject).end(body)
  })
}
