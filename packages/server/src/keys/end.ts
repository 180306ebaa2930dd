import { type ApiKey, type CreatedKey, MillwrightError } from '@millwright/contracts'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { inTransaction } from '../db/transaction.ts'
import { advanceEpoch } from '../deployments/store.ts'
import { recordEvent } from '../events/record.ts'
import { addKey } from './create.ts'
import { answerKey, buildKey, type StoredKey, stateOf, subjectOf } from './model.ts'
import { findKey, hasSuccessor, writeEnd } from './store.ts'

type Target = { readonly id: string; readonly by: string }

/**
 * Ends a key for good; answers when no gateway takes it any more. Revoking again changes nothing.
 * @throws MillwrightError KEY_NOT_FOUND, GATEWAYS_NOT_ACKED
 */
export async function revokeKey(context: Context, { id, by }: Target): Promise<ApiKey> {
  const now = context.now()
  await inTransaction(context.db, async (tx) => {
    const key = await getKey(tx, id)
    if (key.revokedAt !== null) return
    await writeEnd(tx, id, { revoked_at: now })
    await recordEvent(tx, {
      ...{ at: now, type: 'key.revoked', subject: subjectOf(id), by },
      data: { name: key.name },
    })
    await advanceEpoch(tx)
  })
  await context.routing.publish()
  return answerKey(await getKey(context.db, id), now)
}

/**
 * Makes a key of the same name, scopes, deployments and length of life. The old one goes on working for `overlapMs`,
 * but no longer than it would have.
 * @throws MillwrightError KEY_NOT_FOUND, KEY_NOT_ACTIVE, GATEWAYS_NOT_ACKED
 */
export async function rotateKey(
  context: Context,
  { id, by, overlapMs }: Target & { readonly overlapMs: number },
): Promise<CreatedKey> {
  const now = context.now()
  const made = await inTransaction(context.db, async (tx) => {
    const old = await getKey(tx, id)
    const state = (await hasSuccessor(tx, id)) ? 'rotated already' : stateOf(old, now)
    if (state !== 'active') throw new MillwrightError('KEY_NOT_ACTIVE', { id, state })
    const expiresAt = old.expiresAt === null ? null : now + (old.expiresAt - old.createdAt)
    const next = buildKey({ ...old, createdAt: now, createdBy: by, expiresAt, replaces: id })
    await writeEnd(tx, id, {
      expires_at: Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs),
    })
    await addKey(tx, next.key, { type: 'key.rotated', by })
    return next
  })
  await context.routing.publish()
  return { ...answerKey(made.key, now), secret: made.secret }
}

async function getKey(db: Db, id: string): Promise<StoredKey> {
  const key = await findKey(db, id)
  if (key === undefined) throw new MillwrightError('KEY_NOT_FOUND', { id: id.slice(0, 128) })
  return key
}
