import { randomUUID } from 'node:crypto'
import type { Db } from '../db/database.ts'
import { IS_PROMPT } from '../tracking/search/entities.ts'
import { bodyOf, eventsOf, type WebhookEvent } from './model.ts'

/** What happened to a registered model, and when: `version.tag_set` of `churn`. */
export type Announcement = {
  readonly what: keyof typeof EVENTS
  readonly model: string
  readonly data: Readonly<Record<string, unknown>>
  readonly now: number
}

export const namedTags = (tags: readonly { readonly key: string; readonly value: string }[]) =>
  Object.fromEntries(tags.map(({ key, value }) => [key, value]))

/** How a change is called: of models, and of prompts, which are models with a tag. Tags of models are told to nobody. */
const EVENTS = {
  'model.created': ['registered_model.created', 'prompt.created'],
  'model.tag_set': [undefined, 'prompt_tag.set'],
  'model.tag_deleted': [undefined, 'prompt_tag.deleted'],
  'version.created': ['model_version.created', 'prompt_version.created'],
  'version.tag_set': ['model_version_tag.set', 'prompt_version_tag.set'],
  'version.tag_deleted': ['model_version_tag.deleted', 'prompt_version_tag.deleted'],
  'alias.created': ['model_version_alias.created', 'prompt_alias.created'],
  'alias.deleted': ['model_version_alias.deleted', 'prompt_alias.deleted'],
} as const satisfies Readonly<Record<string, readonly [WebhookEvent | undefined, WebhookEvent]>>

/** Writes what webhooks will be told, inside the transaction of the change itself: no change without it, and none of it without the change. */
export async function announce(tx: Db, { what, model, data, now }: Announcement): Promise<void> {
  const webhooks = await tx
    .selectFrom('webhooks')
    .select(['id', 'events'])
    .where('status', '=', 'ACTIVE')
    .orderBy('id')
    .execute()
  if (webhooks.length === 0) return
  const event = EVENTS[what][(await isPrompt(tx, model)) ? 1 : 0]
  if (event === undefined) return
  const body = bodyOf(event, { name: model, ...data }, now)
  for (const webhook of webhooks)
    if (eventsOf(webhook).includes(event))
      await tx
        .insertInto('webhook_deliveries')
        .values({
          ...{ delivery: randomUUID(), webhook: webhook.id, event, body },
          ...{ state: 'WAITING', attempts: 0, due_at: now, created_at: now },
          ...{ done_at: null, response_status: null, error: null },
        })
        .execute()
}

async function isPrompt(tx: Db, model: string): Promise<boolean> {
  const tag = await tx
    .selectFrom('model_tags')
    .select('value')
    .where('model', '=', model)
    .where('key', '=', IS_PROMPT)
    .executeTakeFirst()
  return tag?.value === 'true'
}
