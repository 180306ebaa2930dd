import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { requestBodies, type Shape } from './wrk.ts'

/** Latency of requests sent at their due time whatever the answers do, so that a stall is not left out. Milliseconds. */
export type Latency = { readonly p50: number; readonly p99: number; readonly failed: number }

export async function openLoop(
  port: number,
  shape: Shape,
  run: { perSecond: number; seconds: number },
): Promise<Latency> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const bodies = requestBodies(shape)
  const took: number[] = []
  let failed = 0
  const total = run.perSecond * run.seconds
  const startedAt = performance.now()
  const sent: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const dueAt = startedAt + (i * 1000) / run.perSecond
    await until(dueAt)
    sent.push(
      post({ agent, port, path: shape.path, body: bodies[i % bodies.length]! }).then((ok) => {
        took.push(performance.now() - dueAt)
        if (!ok) failed++
      }),
    )
  }
  await Promise.all(sent)
  agent.destroy()
  took.sort((a, b) => a - b)
  return { p50: took[Math.floor(took.length * 0.5)]!, p99: took[Math.floor(took.length * 0.99)]!, failed }
}

/** Sleeps while there is time, so that the load takes no core from the program, and turns for the last two milliseconds. */
async function until(dueAt: number): Promise<void> {
  const left = dueAt - performance.now()
  if (left > 2) await sleep(left - 2)
  while (performance.now() < dueAt) await new Promise((resolve) => setImmediate(resolve))
}

function post(options: { agent: Agent; port: number; path: string; body: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const { agent, port, path, body } = options
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode === 200))
    })
    call.on('error', () => resolve(false))
    call.end(body)
  })
}
