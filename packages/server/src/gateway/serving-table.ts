import { MillwrightError } from '@millwright/contracts/errors'
import type { Served } from './served.ts'

/** What this gateway serves at one epoch. Replaced as a whole, never changed. */
export type ServingTable = {
  readonly epoch: number
  readonly byName: ReadonlyMap<string, Served>
  readonly default: Served | undefined
}

export const EMPTY_TABLE: ServingTable = { epoch: 0, byName: new Map(), default: undefined }

export function createServingTable(epoch: number, deployments: readonly Served[]): ServingTable {
  const byName = new Map(deployments.map((served) => [served.routed.name, served]))
  const marked = deployments.find((served) => served.routed.default)
  return { epoch, byName, default: marked ?? (deployments.length === 1 ? deployments[0] : undefined) }
}

/** @throws MillwrightError DEPLOYMENT_NOT_FOUND */
export function getServed(table: ServingTable, name: string): Served {
  const served = table.byName.get(name)
  if (served === undefined) throw new MillwrightError('DEPLOYMENT_NOT_FOUND', { name: name.slice(0, 128) })
  return served
}

/** The default deployment. @throws MillwrightError NO_DEPLOYMENT */
export function getDefaultServed(table: ServingTable): Served {
  if (table.default === undefined) throw new MillwrightError('NO_DEPLOYMENT', {})
  return table.default
}
