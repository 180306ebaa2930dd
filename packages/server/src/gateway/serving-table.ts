import { MillwrightError } from '@millwright/contracts/errors'
import type { KeyRing } from '../access/key-ring.ts'
import type { RoutedDeployment } from '../routing/snapshot.ts'
import type { Params } from './router.ts'
import type { Served } from './served.ts'

/** What this gateway serves at one epoch. Replaced as a whole, never changed. */
export type ServingTable = {
  readonly epoch: number
  readonly byName: ReadonlyMap<string, Served>
  readonly default: Served | undefined
  /** Deployments that are kept and not served. */
  readonly unloaded: ReadonlyMap<string, RoutedDeployment>
  /** Deployments whose model is being loaded, or could not be. */
  readonly unready: ReadonlyMap<string, RoutedDeployment>
  /** Who may call, where a key is asked for. */
  readonly keys: KeyRing
}

export const EMPTY_TABLE: ServingTable = {
  ...{ epoch: 0, byName: new Map(), default: undefined, unloaded: new Map(), unready: new Map() },
  keys: { find: () => undefined },
}

type Unserved = {
  readonly unloaded: readonly RoutedDeployment[]
  readonly unready: readonly RoutedDeployment[]
}

export function createServingTable(
  { epoch, keys }: Pick<ServingTable, 'epoch' | 'keys'>,
  deployments: readonly Served[],
  { unloaded, unready }: Unserved,
): ServingTable {
  const byName = new Map(deployments.map((served) => [served.routed.name, served]))
  const marked = deployments.find((served) => served.routed.default)
  const single = deployments.length + unloaded.length + unready.length === 1 ? deployments[0] : undefined
  return {
    ...{ epoch, keys, byName, default: marked ?? single },
    unloaded: byNameOf(unloaded),
    unready: byNameOf(unready),
  }
}

const byNameOf = (deployments: readonly RoutedDeployment[]): ReadonlyMap<string, RoutedDeployment> =>
  new Map(deployments.map((routed) => [routed.name, routed]))

/**
 * The deployment a path names, at the version, or the version of the API, that it names. Without either, the stable one:
 * its `release` says how requests are divided.
 * @throws MillwrightError DEPLOYMENT_NOT_FOUND, DEPLOYMENT_NOT_READY, DEPLOYMENT_UNLOADED, NO_DEPLOYMENT,
 * VERSION_NOT_SERVED, PIN_NOT_FOUND
 */
export function selectServed(table: ServingTable, { name, version, pin }: Params): Served {
  const served = name === undefined ? getDefaultServed(table) : getServed(table, name)
  if (pin !== undefined) return getPinned(served, pin)
  return version === undefined ? served : getVersion(served, version)
}

function getVersion(served: Served, asked: string): Served {
  const { release, routed } = served
  const found =
    release === undefined ? (isVersion(served, asked) ? served : undefined) : release.versions.get(asked)
  if (found !== undefined) return found
  const loaded = new Set(release === undefined ? [served] : release.versions.values())
  const params = {
    name: routed.name,
    version: asked.slice(0, 128),
    served: [...loaded].map(labelOf).join(', '),
  }
  throw new MillwrightError('VERSION_NOT_SERVED', params)
}

/** The deployment a path means, at whatever version; for errors. */
export const findServed = (
  { byName, default: fallback }: ServingTable,
  { name }: Params,
): Served | undefined => (name === undefined ? fallback : byName.get(name))
function getPinned({ release, routed }: Served, pin: string): Served {
  const found = release?.pins.get(pin)
  if (found !== undefined) return found
  const pins = [...(release?.pins.keys() ?? [])].join(', ') || 'none'
  throw new MillwrightError('PIN_NOT_FOUND', { name: routed.name, pin, pins })
}

const isVersion = ({ routed: { version } }: Served, asked: string): boolean =>
  asked === String(version.number) || asked === version.label

const labelOf = ({ routed: { version } }: Served): string => `${version.number} (${version.label})`

/** @throws MillwrightError DEPLOYMENT_NOT_FOUND, DEPLOYMENT_NOT_READY, DEPLOYMENT_UNLOADED */
function getServed(table: ServingTable, name: string): Served {
  const served = table.byName.get(name)
  if (served !== undefined) return served
  if (table.unready.has(name)) throw new MillwrightError('DEPLOYMENT_NOT_READY', { name })
  throw new MillwrightError('DEPLOYMENT_UNLOADED', { name: getUnloaded(table, name).name })
}

/** @throws MillwrightError DEPLOYMENT_NOT_FOUND */
export function getUnloaded({ unloaded }: ServingTable, name: string): RoutedDeployment {
  const found = unloaded.get(name)
  if (found === undefined) throw new MillwrightError('DEPLOYMENT_NOT_FOUND', { name: name.slice(0, 128) })
  return found
}

/** The default deployment. @throws MillwrightError NO_DEPLOYMENT, DEPLOYMENT_NOT_READY, DEPLOYMENT_UNLOADED */
function getDefaultServed(table: ServingTable): Served {
  if (table.default !== undefined) return table.default
  const unready = [...table.unready.values()].find((routed) => routed.default)
  if (unready !== undefined) throw new MillwrightError('DEPLOYMENT_NOT_READY', { name: unready.name })
  const marked = [...table.unloaded.values()].find((routed) => routed.default)
  if (marked === undefined) throw new MillwrightError('NO_DEPLOYMENT', {})
  throw new MillwrightError('DEPLOYMENT_UNLOADED', { name: marked.name })
}
