import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DataLayout } from '../layout.ts'
import { fetchMetrics } from '../metrics/scrape.ts'

const GATEWAY_SOCKET = /^gateway-\d+\.sock$/

/** Rows that running gateways could not log since they started, by reason. */
export async function readDropped(layout: DataLayout): Promise<Record<string, number>> {
  const folder = dirname(layout.gatewaySocket(0))
  const sockets = (await readdir(folder)).filter((name) => GATEWAY_SOCKET.test(name))
  const answers = await Promise.all(sockets.map((name) => fetchMetrics(join(folder, name))))
  const counts = answers.flatMap(
    (metrics) => metrics?.find((metric) => metric.name === 'millwright_log_dropped_total')?.values ?? [],
  )
  const dropped: Record<string, number> = {}
  for (const { labels, value } of counts) {
    const reason = String(labels.reason)
    dropped[reason] = (dropped[reason] ?? 0) + value
  }
  return dropped
}
