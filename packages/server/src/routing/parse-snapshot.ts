import type { RoutingSnapshot } from './snapshot.ts'

/**
 * Reads the file control wrote, in a gateway. Only what another version of the program could have written otherwise is
 * looked at: control puts the file in place whole, and the schema's zod is 10 MB in each gateway.
 * @throws Error when it is not a snapshot of this format
 */
export function parseSnapshot(text: string): RoutingSnapshot {
  const snapshot = JSON.parse(text) as RoutingSnapshot | null
  if (snapshot?.format !== 1 || !Number.isSafeInteger(snapshot.epoch) || !Array.isArray(snapshot.deployments))
    throw new Error(
      'the routing snapshot is not of format 1; is control of another version than this gateway?',
    )
  // A snapshot of before there were keys has none.
  return { ...snapshot, keys: snapshot.keys ?? [] }
}
