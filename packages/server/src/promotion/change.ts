import { isDeepStrictEqual } from 'node:util'
import type { Approval, PromotionRule, PromotionRules } from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import { inTransaction } from '../db/transaction.ts'
import { recordEvent } from '../events/record.ts'
import { getModel, getVersion } from '../registry/lookups.ts'
import { subjectOf } from '../registry/model.ts'
import { type AliasKey, insertApproval, insertRules, listApprovals, readRules } from './store.ts'

/** Sets all rules of an alias; the same again changes nothing. @throws MillwrightError MODEL_NOT_FOUND */
export async function setRules(
  { db, now }: Context,
  request: AliasKey & Actor & { readonly rules: readonly PromotionRule[] },
): Promise<PromotionRules> {
  const { model, alias, rules, by, reason } = request
  return inTransaction(db, async (tx) => {
    await getModel(tx, model)
    const before = await readRules(tx, request)
    if (isDeepStrictEqual(before.rules, rules)) return before
    const [at, revision] = [now(), before.revision + 1]
    await insertRules(tx, request, { rules, revision, by, reason, at })
    const subject = `models/${model}/aliases/${alias}`
    const data = { revision, rules: rules.length, reason: reason ?? null }
    await recordEvent(tx, { at, type: 'promotion.rules_set', subject, by, data })
    return readRules(tx, request)
  })
}

/** Approves a version; who did already changes nothing. @throws MillwrightError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
export async function approve(
  { db, now }: Context,
  request: Actor & { readonly model: string; readonly version: number },
): Promise<Approval> {
  const { model, version, by, reason = null } = request
  return inTransaction(db, async (tx) => {
    await getVersion(tx, { model, number: version })
    const at = now()
    if (await insertApproval(tx, { ...request, at })) {
      const subject = subjectOf({ model, number: version })
      await recordEvent(tx, { at, type: 'version.approved', subject, by, data: { reason } })
    }
    return (await listApprovals(tx, request)).find((one) => one.by === by)!
  })
}
