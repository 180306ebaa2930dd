import {
  type FieldError,
  MillwrightError,
  type PromotionCheck,
  type PromotionRule,
} from '@millwright/contracts'
import type { Actor, Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { recordEvent } from '../events/record.ts'
import { subjectOf } from '../registry/model.ts'
import { findAlias } from '../registry/store.ts'
import { evaluateRules } from './evaluate.ts'
import { gatherFacts } from './facts.ts'
import { readRules } from './store.ts'

type Move = { readonly model: string; readonly alias: string; readonly version: number }
/** Why rules are not asked, or not obeyed: what served once may serve again; an administrator said so, with a reason. */
export type Waiver = 'rollback' | 'force'

/** Whether the rules of an alias let it be moved to a version now; it may always stay where it is. */
export async function checkPromotion(db: Db, { model, alias, version }: Move): Promise<PromotionCheck> {
  const { revision, rules } = await readRules(db, { model, alias })
  const holder = (await findAlias(db, model, alias)) ?? null
  const facts = await gatherFacts(db, { model, version }, aliasesOf(rules))
  const results = evaluateRules(rules, facts)
  const passed = holder === version || results.every((result) => result.passed)
  return { model, alias, version, holder, revision, passed, results }
}

/** Every alias that rules compare with. */
function aliasesOf(rules: readonly PromotionRule[]): string[] {
  const named = rules.flatMap((rule) => {
    if (rule.kind === 'schema') return [rule.alias]
    return rule.kind === 'metric' && 'alias' in rule.bound ? [rule.bound.alias] : []
  })
  return [...new Set(named)]
}

/**
 * The one place where rules are obeyed: asked before an alias moves, in the transaction that moves it.
 * @throws MillwrightError PROMOTION_REFUSED with every rule that does not hold
 */
export async function assertPromotable(
  tx: Db,
  move: Move & Actor & { readonly at: number },
  waiver: Waiver | undefined,
): Promise<void> {
  if (waiver === 'rollback') return
  const { results, revision } = await checkPromotion(tx, move)
  const failed = results.filter(({ passed }) => !passed)
  if (failed.length === 0) return
  const reasons = failed.map(({ message }) => message)
  const { model, alias, version, by, reason = null, at } = move
  if (waiver !== 'force')
    throw new MillwrightError(
      'PROMOTION_REFUSED',
      { model, alias, version, reasons: reasons.join('; ') },
      { fields: fieldsOf(results) },
    )
  const subject = subjectOf({ model, number: version })
  await recordEvent(tx, {
    at,
    type: 'promotion.forced',
    subject,
    by,
    data: { alias, reason, revision, reasons },
  })
}

const fieldsOf = (results: PromotionCheck['results']): FieldError[] =>
  results.flatMap(({ passed, kind, message }, i) =>
    passed ? [] : [{ pointer: `/rules/${i}`, code: kind.replaceAll('-', '_'), message }],
  )

/** Makes a change; when rules refuse it, nothing of it stays but an event that says so. */
export async function recordingRefusals<T>(
  { db, now }: Pick<Context, 'db' | 'now'>,
  { by, reason }: Actor,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change()
  } catch (error) {
    if (isRefusal(error)) {
      const { model, alias, version } = error.params
      const reasons = error.fields?.map(({ message }) => message)
      const subject = subjectOf({ model, number: version })
      const data = { alias, reason: reason ?? null, reasons }
      await recordEvent(db, { at: now(), type: 'promotion.refused', subject, by, data })
    }
    throw error
  }
}

const isRefusal = (error: unknown): error is MillwrightError<'PROMOTION_REFUSED'> =>
  error instanceof MillwrightError && error.code === 'PROMOTION_REFUSED'
