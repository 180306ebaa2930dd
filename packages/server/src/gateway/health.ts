import { plainHealth } from './doors/plain.ts'
import type { Served } from './served.ts'
import type { ServingTable } from './serving-table.ts'

export type HealthState = {
  readonly table: ServingTable
  readonly isReady: boolean
  readonly isDraining: boolean
}

/** GET /health: in the words of the default deployment's template, else which versions are served. */
export function describeHealth({ table, isReady, isDraining }: HealthState): {
  status: number
  body: string
} {
  const healthy = isReady && !isDraining
  const own = healthy ? plainHealth(table.default) : undefined
  if (own !== undefined) return { status: 200, body: own }
  const status = isDraining ? 'draining' : isReady ? 'healthy' : 'loading'
  const deployments = [...table.byName.values()].map(describeServed)
  return { status: healthy ? 200 : 503, body: JSON.stringify({ status, epoch: table.epoch, deployments }) }
}

const describeServed = ({ routed }: Served) => ({
  name: routed.name,
  model: routed.model,
  version: routed.version.label,
})

/** GET /health/live: the process answers. */
export const LIVE = { status: 200, body: '{"status":"live"}' }

/** GET /health/ready: the routing snapshot is loaded, its models are warm, and new requests are welcome. */
export function describeReadiness({ isReady, isDraining }: HealthState): { status: number; body: string } {
  if (isDraining) return { status: 503, body: '{"status":"draining"}' }
  return isReady ? { status: 200, body: '{"status":"ready"}' } : { status: 503, body: '{"status":"loading"}' }
}
