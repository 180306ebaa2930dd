import { readdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { AggregatorRegistry } from 'prom-client'
import { createServer, request } from '../http.ts'
import type { DataLayout } from '../layout.ts'
import { type AliasServer, aliasesOf } from './aliases.ts'
import { isNative, type MetricJson } from './families.ts'

/** A process that takes longer is left out. */
const TIMEOUT_MS = 1_000
const BYTES_LIMIT = 16 << 20
const GATEWAY_SOCKET = /^gateway-\d+\.sock$/

export type ScrapeDeps = {
  readonly layout: DataLayout
  /** Slot of this gateway, whose numbers need no socket. */
  readonly slot: number
  readonly own: () => Promise<MetricJson[]>
  /** Servers whose names for the same numbers are added. */
  readonly aliases?: readonly AliasServer[]
}

/** The numbers of this gateway, the others and control as one; whoever does not answer is left out. */
export async function scrapeAll({ layout, slot, own, aliases = [] }: ScrapeDeps): Promise<MetricJson[]> {
  const mine = layout.gatewaySocket(slot)
  const folder = dirname(mine)
  const names = await readdir(folder).catch((): string[] => [])
  const others = names.filter((name) => GATEWAY_SOCKET.test(name) && name !== basename(mine))
  const sockets = [...others.map((name) => join(folder, name)), layout.internalSocket]
  const answers = await Promise.all([own(), ...sockets.map((socket) => fetchMetrics(socket))])
  const registry = aggregate(answers.filter((answer) => answer !== undefined))
  const families = (await registry.getMetricsAsJSON()) as unknown as MetricJson[]
  return [...families, ...aliasesOf(families, aliases)]
}

/** The text format of Prometheus, version 0.0.4. */
export const writeText = (families: readonly MetricJson[]): Promise<string> =>
  aggregate([
    families.map((family) => ({
      ...family,
      values: family.values.filter((value) => !isNative(value, family)),
    })),
  ]).metrics()

/** prom-client's types ask for its own metric classes; it reads the JSON form. */
const aggregate = (sources: readonly (readonly MetricJson[])[]) =>
  AggregatorRegistry.aggregate(sources as never)

/** Serves this gateway's numbers to the others. */
export function createMetricsServer(own: () => Promise<MetricJson[]>): Server {
  return createServer((incoming, answer) => {
    if (incoming.url !== '/metrics.json') {
      answer.writeHead(404).end()
      return
    }
    own().then(
      (metrics) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metrics)),
      () => answer.writeHead(500).end(),
    )
  })
}

export function fetchMetrics(socketPath: string): Promise<MetricJson[] | undefined> {
  return new Promise((resolve) => {
    const give = (): void => resolve(undefined)
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const asked = request({ socketPath, path: '/metrics.json', agent: false, signal }, (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > BYTES_LIMIT) answer.destroy()
        else chunks.push(chunk)
      })
      answer.on('error', give)
      answer.on('end', () => resolve(answer.statusCode === 200 ? parseMetrics(chunks) : undefined))
    })
    asked.on('error', give)
    asked.end()
  })
}

function parseMetrics(chunks: readonly Buffer[]): MetricJson[] | undefined {
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as MetricJson[]
  } catch {
    return undefined
  }
}
