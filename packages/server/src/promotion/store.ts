import { type Approval, PromotionRule, type PromotionRules } from '@millwright/contracts'
import type { Selectable } from 'kysely'
import { z } from 'zod'
import type { Actor } from '../context.ts'
import type { Db } from '../db/database.ts'
import type { Tables } from '../db/tables.ts'
import { type Page, type PageQuery, pageOf } from '../paging.ts'

export type AliasKey = { readonly model: string; readonly alias: string }
type VersionKey = { readonly model: string; readonly version: number }

const Rules = z.array(PromotionRule)

const rulesOf = (row: Selectable<Tables['promotion_rules']>): PromotionRules => ({
  model: row.model,
  alias: row.alias,
  revision: row.revision,
  rules: Rules.parse(JSON.parse(row.rules)),
  by: row.changed_by,
  reason: row.reason,
  at: new Date(row.changed_at).toISOString(),
})

const ofAlias = (db: Db, { model, alias }: AliasKey) =>
  db
    .selectFrom('promotion_rules')
    .selectAll()
    .where('model', '=', model)
    .where('alias', '=', alias)
    .orderBy('revision', 'desc')

/** Those in force; revision 0 and no rule when none ever were. */
export async function readRules(db: Db, key: AliasKey): Promise<PromotionRules> {
  const row = await ofAlias(db, key).limit(1).executeTakeFirst()
  const { model, alias } = key
  return row === undefined
    ? { model, alias, revision: 0, rules: [], by: null, reason: null, at: null }
    : rulesOf(row)
}

/** Newest first. */
export async function listRules(db: Db, key: AliasKey, page: PageQuery): Promise<Page<PromotionRules>> {
  let query = ofAlias(db, key).limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('revision', '<', page.after)
  return pageOf((await query.execute()).map(rulesOf), page, ({ revision }) => revision)
}

export async function insertRules(
  db: Db,
  { model, alias }: AliasKey,
  set: Actor & { readonly revision: number; readonly rules: readonly PromotionRule[]; readonly at: number },
): Promise<void> {
  await db
    .insertInto('promotion_rules')
    .values({
      ...{ model, alias, revision: set.revision, rules: JSON.stringify(set.rules) },
      ...{ changed_by: set.by, reason: set.reason ?? null, changed_at: set.at },
    })
    .execute()
}

/** In the order they were given. */
export async function listApprovals(db: Db, { model, version }: VersionKey): Promise<Approval[]> {
  const rows = await db
    .selectFrom('approvals')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('approved_at')
    .orderBy('approved_by')
    .execute()
  return rows.map((row) => ({
    ...{ model, version, by: row.approved_by, reason: row.reason },
    at: new Date(row.approved_at).toISOString(),
  }))
}

/** @returns whether it is new: who approves again changes nothing */
export async function insertApproval(
  db: Db,
  { model, version, by, reason, at }: VersionKey & Actor & { readonly at: number },
): Promise<boolean> {
  const added = await db
    .insertInto('approvals')
    .values({ model, version, approved_by: by, reason: reason ?? null, approved_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .returning('version')
    .executeTakeFirst()
  return added !== undefined
}

/** The run and the logged model that a version says it comes from. */
export async function findOrigin(
  db: Db,
  { model, version }: VersionKey,
): Promise<{ readonly run_id: string | null; readonly model_id: string | null }> {
  const row = await db
    .selectFrom('versions')
    .select(['run_id', 'model_id'])
    .where('model', '=', model)
    .where('number', '=', version)
    .executeTakeFirst()
  return row ?? { run_id: null, model_id: null }
}

export async function listVersionTags(db: Db, { model, version }: VersionKey): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('version_tags')
    .select(['key', 'value'])
    .where('model', '=', model)
    .where('number', '=', version)
    .execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}
