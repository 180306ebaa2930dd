import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import type { DataLayout } from '../layout.ts'

const METRIC = 'millwright_log_dropped_total'
const TIMEOUT_MS = 500

type Metric = { name: string; values: { value: number; labels: { reason?: string } }[] }

/** Records that running gateways could not log since they started, by reason: only they know. */
export async function readDropped(
  layout: Pick<DataLayout, 'gatewaySocket'>,
  gateways: number,
): Promise<Record<string, number>> {
  const slots = Array.from({ length: gateways }, (_, slot) => layout.gatewaySocket(slot))
  const answers = await Promise.all(slots.map((socket) => fetchMetrics(socket).catch(() => [])))
  const dropped: Record<string, number> = {}
  for (const metric of answers.flat().filter(({ name }) => name === METRIC)) {
    for (const { value, labels } of metric.values) {
      const reason = labels.reason ?? 'unknown'
      dropped[reason] = (dropped[reason] ?? 0) + value
    }
  }
  return dropped
}

function fetchMetrics(socketPath: string): Promise<Metric[]> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const asked = request({ socketPath, path: '/metrics.json', agent: false, signal }, (answer) => {
      json(answer).then((metrics) => resolve(metrics as Metric[]), reject)
    })
    asked.on('error', reject)
    asked.end()
  })
}
