import { Agent, request } from 'node:http'

/**
 * node overload-load.ts PORT PATH PER_SECOND SECONDS: sends requests when they are due, whatever the answers do, in a
 * process of its own. Prints one line of JSON: for each status how many, and how long they took.
 */
const [port, path, perSecond, seconds] = process.argv.slice(2) as [string, string, string, string]
const COLUMNS = 30
const ROWS = 12
const agent = new Agent({ keepAlive: true, maxSockets: 2_000 })
const took = new Map<number, number[]>()
const due = 1000 / Number(perSecond)

const values = (): number[] => Array.from({ length: ROWS }, () => Math.round(Math.random() * 1000) / 1000)
const bodies = Array.from({ length: 50 }, () =>
  JSON.stringify({
    columns: Object.fromEntries(Array.from({ length: COLUMNS }, (_, at) => [`x${at}`, values()])),
  }),
)

function ask(sentAt: number): Promise<void> {
  const body = bodies[Math.floor(Math.random() * bodies.length)]!
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve) => {
    const end = (status: number): void => {
      const list = took.get(status) ?? []
      list.push(performance.now() - sentAt)
      took.set(status, list)
      resolve()
    }
    const call = request({ agent, host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
      answer.resume()
      answer.on('end', () => end(answer.statusCode ?? 0))
    })
    call.on('error', () => end(0))
    call.end(body)
  })
}

const startedAt = performance.now()
const asked: Promise<void>[] = []
for (let index = 0; index < Number(perSecond) * Number(seconds); index++) {
  while (performance.now() < startedAt + index * due) await new Promise((resolve) => setTimeout(resolve, 1))
  asked.push(ask(startedAt + index * due))
}
await Promise.all(asked)
agent.destroy()

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor(sorted.length * q)]!
const byStatus = [...took].map(([status, times]) => {
  const sorted = times.toSorted((a, b) => a - b)
  return { status, count: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }
})
console.log(JSON.stringify(byStatus))
