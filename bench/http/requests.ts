import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestBodies, type Shape } from './wrk.ts'

/** One answer; times are `performance.now()`, in milliseconds. */
export type Answered = {
  readonly dueAt: number
  readonly doneAt: number
  /** 0: there was none. */
  readonly status: number
  /** Of the model, as the native answer says; 0 when it does not. */
  readonly version: number
}

/** Sends requests at their due time, whatever the answers do, until it is stopped. */
export function keepAsking(port: number, shape: Shape, perSecond: number): { stop(): Promise<Answered[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const bodies = requestBodies(shape)
  const sent: Promise<Answered>[] = []
  let running = true
  const sending = (async () => {
    const startedAt = performance.now()
    for (let i = 0; running; i++) {
      const dueAt = startedAt + (i * 1000) / perSecond
      if (dueAt - performance.now() > 2) await sleep(1)
      while (performance.now() < dueAt) await new Promise((resolve) => setImmediate(resolve))
      sent.push(ask({ agent, port, path: shape.path, body: bodies[i % bodies.length]! }, dueAt))
    }
  })()
  return {
    async stop() {
      running = false
      await sending
      const answers = await Promise.all(sent)
      agent.destroy()
      return answers
    },
  }
}

type Asked = { readonly agent: Agent; readonly port: number; readonly path: string; readonly body: string }

function ask({ agent, port, path, body }: Asked, dueAt: number): Promise<Answered> {
  return new Promise((resolve) => {
    const end = (status: number, version = 0): void =>
      resolve({ dueAt, doneAt: performance.now(), status, version })
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => end(0))
      response.on('end', () => {
        const version = /"version":\{"number":(\d+)/.exec(Buffer.concat(chunks).toString())?.[1]
        end(response.statusCode!, Number(version ?? 0))
      })
    })
    call.on('error', () => end(0))
    call.end(body)
  })
}

export const failed = (answers: readonly Answered[]): number =>
  answers.filter(({ status }) => status !== 200).length

/** @param share 0.5 for the median; milliseconds */
export function quantile(answers: readonly Answered[], share: number): number {
  const took = answers.map(({ dueAt, doneAt }) => doneAt - dueAt).sort((a, b) => a - b)
  return took[Math.floor(took.length * share)] ?? Number.NaN
}
