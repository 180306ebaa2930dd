import { DELIVERY_STATES, MillwrightError, Webhook, WebhookDelivery } from '@millwright/contracts'
import { z } from 'zod'
import type { Context } from '../context.ts'
import type { Db } from '../db/database.ts'
import { recordEvent } from '../events/record.ts'
import { answerPage, PageParams, pageQuery, pageSchema } from '../paging.ts'
import { defineRoute, type Route } from '../route.ts'
import { type DeliveryRow, eventsOf, type WebhookRow } from './model.ts'
import { findDelivery, hasWebhook, listDeliveries, pageOfWebhooks, updateDelivery } from './store.ts'

const tag = 'webhooks'
const permission = 'admin'
const Name = z.string().max(128)

const answerWebhook = (row: WebhookRow): Webhook => ({
  ...{ id: row.id, name: row.name, url: row.url, events: eventsOf(row), status: row.status },
  created_at: new Date(row.created_at).toISOString(),
})

const answerDelivery = (row: DeliveryRow): WebhookDelivery => ({
  ...{ id: row.delivery, event: row.event, state: row.state, attempts: row.attempts },
  created_at: new Date(row.created_at).toISOString(),
  due_at: row.state === 'WAITING' ? new Date(row.due_at).toISOString() : null,
  ...{ response_status: row.response_status, error: row.error },
})

export const webhookRoutes = (context: Context): Route[] => [
  defineRoute({
    ...{ method: 'GET', path: '/api/v1/webhooks', tag, permission },
    summary: 'Who is told of changes of the registry; made and changed through MLflow’s protocol',
    query: PageParams,
    answers: { 200: pageSchema(Webhook) },
    handle: async ({ query, url }) => ({
      body: answerPage(await pageOfWebhooks(context.db, pageQuery(query)), url, answerWebhook),
    }),
  }),
  defineRoute({
    ...{ method: 'GET', path: '/api/v1/webhooks/{webhook}/deliveries', tag, permission },
    summary: 'What a webhook was and is to be told, newest first',
    params: z.object({ webhook: Name }),
    query: PageParams.extend({ state: z.enum(DELIVERY_STATES).optional() }),
    answers: { 200: pageSchema(WebhookDelivery) },
    async handle({ params: { webhook }, query, url }) {
      await assertWebhook(context.db, webhook)
      const page = await listDeliveries(context.db, { webhook, state: query.state }, pageQuery(query))
      return { body: answerPage(page, url, answerDelivery) }
    },
  }),
  defineRoute({
    ...{ method: 'POST', path: '/api/v1/webhooks/{webhook}/deliveries/{delivery}/replay', tag, permission },
    summary: 'Send a delivery again, whether it arrived or was given up',
    params: z.object({ webhook: Name, delivery: Name }),
    answers: { 200: WebhookDelivery },
    handle: async ({ params, by }) => ({ body: answerDelivery(await replay(context, { ...params, by })) }),
  }),
]

type Replay = { readonly webhook: string; readonly delivery: string; readonly by: string }

/** @throws MillwrightError WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND */
async function replay({ db, now }: Context, { webhook, delivery, by }: Replay): Promise<DeliveryRow> {
  return db.transaction().execute(async (tx) => {
    await assertWebhook(tx, webhook)
    const found = await findDelivery(tx, webhook, delivery)
    if (found === undefined) throw new MillwrightError('DELIVERY_NOT_FOUND', { id: delivery })
    const again = { state: 'WAITING', attempts: 0, due_at: now(), done_at: null } as const
    await updateDelivery(tx, found.id, again)
    await recordEvent(tx, {
      ...{ at: now(), by, type: 'webhook.replayed', subject: `webhooks/${webhook}` },
      data: { delivery, event: found.event },
    })
    return { ...found, ...again }
  })
}

async function assertWebhook(db: Db, id: string): Promise<void> {
  if (!(await hasWebhook(db, id))) throw new MillwrightError('WEBHOOK_NOT_FOUND', { id })
}
