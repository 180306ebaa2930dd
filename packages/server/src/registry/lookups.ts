import { MillwrightError, type Model } from '@millwright/contracts'
import type { Db } from '../db/database.ts'
import { isReady, type ReadyVersion, type StoredVersion, type VersionKey } from './model.ts'
import { findAlias, findModel, findVersion } from './store.ts'

/** @throws MillwrightError MODEL_NOT_FOUND */
export async function getModel(db: Db, name: string): Promise<Model> {
  const model = await findModel(db, name)
  if (model === undefined) throw new MillwrightError('MODEL_NOT_FOUND', { name })
  return model
}

/** @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
export async function getVersion(db: Db, key: VersionKey): Promise<StoredVersion> {
  const version = await findVersion(db, key)
  if (version !== undefined) return version
  await getModel(db, key.model)
  throw new MillwrightError('VERSION_NOT_FOUND', { name: key.model, version: key.number })
}

/** @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_READY */
export async function getReadyVersion(db: Db, key: VersionKey): Promise<ReadyVersion> {
  const version = await getVersion(db, key)
  if (isReady(version)) return version
  const { state, reason } = version
  throw new MillwrightError('VERSION_NOT_READY', { name: key.model, version: key.number, state, reason })
}

/** The version an alias points to. @throws MillwrightError MODEL_NOT_FOUND, VALIDATION_FAILED */
export async function resolveAlias(
  db: Db,
  model: string,
  alias: string,
  pointer = '/alias',
): Promise<number> {
  const version = await findAlias(db, model, alias)
  if (version !== undefined) return version
  const { aliases } = await getModel(db, model)
  const known = Object.keys(aliases).join(', ') || 'none'
  const message = `model "${model}" has no alias "${alias}"; it has: ${known}`
  throw new MillwrightError(
    'VALIDATION_FAILED',
    { count: 1 },
    { fields: [{ pointer, code: 'unknown', message }] },
  )
}
