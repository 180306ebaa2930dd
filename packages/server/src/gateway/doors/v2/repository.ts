import { MillwrightError } from '@millwright/contracts/errors'
import { isObject } from '@millwright/inference/convert'
import { decodeUtf8, parseJson } from '../../../inference/json-body.ts'
import type { Exchange } from '../../exchange.ts'
import type { RouteDeps } from '../../routes.ts'
import { findServed, getUnloaded } from '../../serving-table.ts'

/**
 * Loads a deployment into every gateway, or unloads it; done when this returns, and nothing when it is so already.
 * @throws MillwrightError DEPLOYMENT_NOT_FOUND, CONTROL_UNAVAILABLE, GATEWAYS_NOT_ACKED, NOT_SUPPORTED
 */
export async function changeLoaded(
  { table, proxy }: RouteDeps,
  exchange: Exchange,
  { name, to }: { readonly name: string; readonly to: 'load' | 'unload' },
): Promise<void> {
  const isLoaded = findServed(table(), { name }) !== undefined
  if (!isLoaded) getUnloaded(table(), name)
  if (isLoaded === (to === 'load')) return
  await proxy.post(exchange, `/api/v1/deployments/${encodeURIComponent(name)}/${to}`)
}

/** Triton takes a configuration and files with a load; here both come with a deployment. @throws MillwrightError NOT_SUPPORTED */
export function assertNoOverride(parameters: Iterable<string>): void {
  const [override] = [...parameters].filter((name) => name !== 'unload_dependents')
  if (override === undefined) return
  throw new MillwrightError('NOT_SUPPORTED', {
    what: `the parameter ${override.slice(0, 64)}`,
    instead: 'deploy another version with `millwright deploy`',
  })
}

/** Names of a load's parameters in JSON. @throws MillwrightError INVALID_JSON */
export function parametersIn(body: Buffer, jsonDepth: number): string[] {
  if (body.length === 0) return []
  const asked = parseJson(decodeUtf8(body), jsonDepth)
  return isObject(asked) && isObject(asked.parameters) ? Object.keys(asked.parameters) : []
}
