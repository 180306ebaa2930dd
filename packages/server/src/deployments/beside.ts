import type { DeploymentConfig } from '@millwright/contracts'
import type { Db } from '../db/database.ts'
import { getReadyVersion, resolveAlias } from '../registry/lookups.ts'
import type { RoutedVersion } from '../routing/snapshot.ts'
import type { StoredDeployment } from './model.ts'

/**
 * The versions that a configuration names beside the one it serves; aliases as they point now.
 * @throws MillwrightError VERSION_NOT_FOUND, VERSION_NOT_READY, VALIDATION_FAILED for an alias that is not there
 */
export async function listBeside(
  db: Db,
  model: string,
  { rollout, pins = {} }: DeploymentConfig,
): Promise<Pick<StoredDeployment, 'candidate' | 'pinned'>> {
  const pinned: Record<string, RoutedVersion> = {}
  for (const [pin, to] of Object.entries(pins)) {
    const number =
      'version' in to ? to.version : await resolveAlias(db, model, to.alias, `/pins/${pin}/alias`)
    pinned[pin] = await getRouted(db, model, number)
  }
  return { candidate: rollout === undefined ? null : await getRouted(db, model, rollout.version), pinned }
}

async function getRouted(db: Db, model: string, number: number): Promise<RoutedVersion> {
  const { label, digest, program, schema } = await getReadyVersion(db, { model, number })
  return { number, label, digest, program, schema }
}
