import { type Asker, readSecret, sentIn } from '../access/credential.ts'
import type { Grant } from '../access/permission.ts'
import { hashOf } from '../access/secret.ts'
import type { Db } from '../db/database.ts'
import { stateOf } from './model.ts'
import { findKeyByHash, listUnrevokedKeys } from './store.ts'

/** The key a request was sent with, if it is good at `now`: asked of the database each time, so nothing can be stale. */
export async function recogniseKey(db: Db, asker: Asker, now: number): Promise<Grant | undefined> {
  for (const sent of sentIn(asker)) {
    const secret = readSecret(sent)
    const key = secret === undefined ? undefined : await findKeyByHash(db, hashOf(secret))
    if (key !== undefined && stateOf(key, now) === 'active') return key
  }
  return undefined
}

export const hasActiveKey = async (db: Db, now: number): Promise<boolean> =>
  (await listUnrevokedKeys(db)).some((key) => stateOf(key, now) === 'active')
