import type { Db } from '../db/database.ts'
import { type Page, type PageQuery, pageOf } from '../paging.ts'
import { MlflowError } from '../tracking/errors.ts'
import type { DeliveryRow, WebhookRow } from './model.ts'

/** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
export async function findWebhook(db: Db, id: string): Promise<WebhookRow> {
  const row = await db.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
  if (row !== undefined) return row
  throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Webhook with ID ${id.slice(0, 100)} not found.`)
}

/** Oldest first. @param after the last of the page before */
export async function listWebhooks(
  db: Db,
  {
    limit,
    after,
  }: { readonly limit: number; readonly after: Pick<WebhookRow, 'created_at' | 'id'> | undefined },
): Promise<WebhookRow[]> {
  let query = db.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id').limit(limit)
  if (after !== undefined)
    query = query.where((is) =>
      is.or([
        is('created_at', '>', after.created_at),
        is.and([is('created_at', '=', after.created_at), is('id', '>', after.id)]),
      ]),
    )
  return query.execute()
}

export async function insertWebhook(db: Db, webhook: WebhookRow): Promise<void> {
  await db.insertInto('webhooks').values(webhook).execute()
}

export async function updateWebhook(db: Db, id: string, change: Partial<WebhookRow>): Promise<WebhookRow> {
  await db.updateTable('webhooks').set(change).where('id', '=', id).execute()
  return findWebhook(db, id)
}

/** With all that was and was to be told. */
export async function deleteWebhook(db: Db, id: string): Promise<void> {
  await findWebhook(db, id)
  await db.deleteFrom('webhook_deliveries').where('webhook', '=', id).execute()
  await db.deleteFrom('webhooks').where('id', '=', id).execute()
}

export type Due = DeliveryRow & Pick<WebhookRow, 'url' | 'secret'>

/** Of each webhook the first that waits, if its time has come: what comes after it waits for it. */
export async function listDue(db: Db, now: number): Promise<Due[]> {
  const first = await db
    .selectFrom('webhook_deliveries')
    .select((of) => of.fn.min('id').as('id'))
    .where('state', '=', 'WAITING')
    .groupBy('webhook')
    .execute()
  if (first.length === 0) return []
  const ids = first.map(({ id }) => id)
  return db
    .selectFrom('webhook_deliveries')
    .innerJoin('webhooks', 'webhooks.id', 'webhook_deliveries.webhook')
    .selectAll('webhook_deliveries')
    .select(['webhooks.url', 'webhooks.secret'])
    .where('webhook_deliveries.id', 'in', ids)
    .where('webhooks.status', '=', 'ACTIVE')
    .where('webhook_deliveries.due_at', '<=', now)
    .execute()
}

export async function updateDelivery(db: Db, id: number, change: Partial<DeliveryRow>): Promise<void> {
  await db.updateTable('webhook_deliveries').set(change).where('id', '=', id).execute()
}

export const findDelivery = (db: Db, webhook: string, delivery: string): Promise<DeliveryRow | undefined> =>
  db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook', '=', webhook)
    .where('delivery', '=', delivery)
    .executeTakeFirst()

/** Newest first. */
export async function listDeliveries(
  db: Db,
  { webhook, state }: { readonly webhook: string; readonly state: DeliveryRow['state'] | undefined },
  page: PageQuery,
): Promise<Page<DeliveryRow>> {
  let query = db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook', '=', webhook)
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
  if (page.after !== undefined) query = query.where('id', '<', page.after)
  if (state !== undefined) query = query.where('state', '=', state)
  return pageOf(await query.execute(), page, ({ id }) => id)
}

/** What arrived is forgotten after a while; what did not stays. */
export async function forgetDelivered(db: Db, before: number): Promise<void> {
  await db
    .deleteFrom('webhook_deliveries')
    .where('state', '=', 'DELIVERED')
    .where('done_at', '<', before)
    .execute()
}

export const hasWebhook = async (db: Db, id: string): Promise<boolean> =>
  (await db.selectFrom('webhooks').select('id').where('id', '=', id).executeTakeFirst()) !== undefined

/** Oldest first. */
export async function pageOfWebhooks(db: Db, page: PageQuery): Promise<Page<WebhookRow>> {
  const offset = page.after ?? 0
  const rows = await db
    .selectFrom('webhooks')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(page.limit + 1)
    .offset(offset)
    .execute()
  return pageOf(rows, page, () => offset + page.limit)
}
