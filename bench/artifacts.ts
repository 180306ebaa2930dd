import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { type Running, removeFolder, startMillwright, temporaryFolder } from '../test/support/millwright.ts'

/**
 * npm run bench:artifacts [-- GIGABYTES]: processor time of the server (gateways and control) for a file of 50 MB up and
 * down, the median of some; then how much memory its processes take while a file of many gigabytes goes up and down.
 */

const MEGABYTES = 50
const TIMES = 7
const GIGABYTES = Number(process.argv[2] ?? 5)
const TICKS_PER_SECOND = 100
const PATH = '/api/2.0/mlflow-artifacts/artifacts/bench'

const pidsOf = (server: Running): number[] => {
  const { control, gateways } = server.pids()
  return [...control, ...gateways]
}
/** Seconds of all threads, in user and kernel. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

const cpuSplit = (server: Running) => ({
  control: server
    .pids()
    .control.map(cpuOf)
    .reduce((a, b) => a + b, 0),
  gateways: server
    .pids()
    .gateways.map(cpuOf)
    .reduce((a, b) => a + b, 0),
})

function send(server: Running, path: string, bytes: number, body: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': bytes, 'content-type': 'application/octet-stream' }
    const asked = request(`${server.url}${PATH}/${path}`, { method: 'PUT', headers }, (answer) => {
      answer
        .resume()
        .on('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`PUT ${answer.statusCode}`)),
        )
    })
    asked.on('error', reject)
    body.pipe(asked)
  })
}

function fetchWhole(server: Running, path: string): Promise<{ bytes: number; seconds: number }> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    request(`${server.url}${PATH}/${path}`, (answer) => {
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.on('end', () => resolve({ bytes, seconds: (performance.now() - startedAt) / 1000 }))
    })
      .on('error', reject)
      .end()
  })
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
const show = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`

type Cost = { readonly control: number; readonly gateways: number; readonly wall: number }

async function costOf(server: Running, work: () => Promise<unknown>): Promise<Cost> {
  const before = cpuSplit(server)
  const startedAt = performance.now()
  await work()
  const wall = (performance.now() - startedAt) / 1000
  const after = cpuSplit(server)
  return { control: after.control - before.control, gateways: after.gateways - before.gateways, wall }
}

function report(name: string, costs: readonly Cost[]): void {
  const total = median(costs.map(({ control, gateways }) => control + gateways))
  const [control, gateways, wall] = (['control', 'gateways', 'wall'] as const).map((part) =>
    median(costs.map((cost) => cost[part])),
  )
  console.log(
    `${name} ${MEGABYTES} MB: ${show(total)} of server processor (control ${show(control!)}, gateways ${show(gateways!)}), ${show(wall!)} wall`,
  )
}

async function* zeros(bytes: number): AsyncIterable<Buffer> {
  const chunk = Buffer.alloc(1 << 20)
  for (let left = bytes; left > 0; left -= chunk.length)
    yield left >= chunk.length ? chunk : chunk.subarray(0, left)
}

/** Largest memory of each process while something is done, in MiB. */
async function peakWhile(server: Running, work: () => Promise<unknown>): Promise<string> {
  const pids = pidsOf(server)
  const peaks = pids.map(memoryOf)
  const before = [...peaks]
  const watching = setInterval(() => {
    for (const [i, pid] of pids.entries()) peaks[i] = Math.max(peaks[i]!, memoryOf(pid))
  }, 50)
  const startedAt = performance.now()
  await work()
  clearInterval(watching)
  const seconds = (performance.now() - startedAt) / 1000
  const each = pids.map((_, i) => `${before[i]!.toFixed(0)} → ${peaks[i]!.toFixed(0)}`)
  return `${seconds.toFixed(1)} s, MiB of control and gateways: ${each.join(', ')}`
}

const data = temporaryFolder()
const server = await startMillwright({ data })
try {
  const bytes = Buffer.alloc(MEGABYTES * 1_000_000)
  const [ups, downs]: [Cost[], Cost[]] = [[], []]
  for (let i = 0; i < TIMES; i++) {
    randomFillSync(bytes)
    ups.push(await costOf(server, () => send(server, `f${i}`, bytes.length, Readable.from(cut(bytes)))))
    downs.push(await costOf(server, () => fetchWhole(server, `f${i}`)))
  }
  report('PUT', ups)
  report('GET', downs)
  if (GIGABYTES > 0) {
    const large = GIGABYTES * 1_000_000_000
    console.log(
      `PUT ${GIGABYTES} GB: ${await peakWhile(server, () => send(server, 'large', large, Readable.from(zeros(large))))}`,
    )
    console.log(
      `GET ${GIGABYTES} GB: ${await peakWhile(server, async () => void (await fetchWhole(server, 'large')))}`,
    )
  }
} catch (e) {
  console.log(server.output())
  throw e
} finally {
  await server.stop()
  removeFolder(data)
}

function* cut(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16))
}
