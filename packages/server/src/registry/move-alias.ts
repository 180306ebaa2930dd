import type { Actor } from '../context.ts'
import type { Db } from '../db/database.ts'
import { recordEvent } from '../events/record.ts'
import { assertPromotable, type Waiver } from '../promotion/check.ts'
import { announce } from '../webhooks/announce.ts'
import { findAlias, writeAlias } from './store.ts'

/**
 * Points an alias to a version inside the caller's transaction, with its history and an event, where the promotion rules of
 * the alias let it or are waived. Pointing it to where it points changes nothing.
 * @throws MillwrightError PROMOTION_REFUSED
 */
export async function moveAlias(
  tx: Db,
  move: Actor & { model: string; alias: string; version: number; at: number },
  waiver?: Waiver,
): Promise<void> {
  const { model, alias, version, at, by, reason } = move
  const from = (await findAlias(tx, model, alias)) ?? null
  if (from === version) return
  await assertPromotable(tx, move, waiver)
  await writeAlias(tx, { model, alias, from, to: version, at, by, reason })
  await recordEvent(tx, {
    at,
    type: 'alias.moved',
    subject: `models/${model}/aliases/${alias}`,
    by,
    data: { from, to: version, reason: reason ?? null },
  })
  await announce(tx, { what: 'alias.created', model, data: { alias, version: `${version}` }, now: at })
}
