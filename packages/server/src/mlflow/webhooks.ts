import { randomUUID } from 'node:crypto'
import { recordEvent } from '../events/record.ts'
import { receiverOf } from '../outgoing/receiver.ts'
import { invalid } from '../tracking/errors.ts'
import {
  ACTIONS,
  assertWebhookName,
  bodyOf,
  ENTITIES,
  EXAMPLES,
  eventFrom,
  eventsOf,
  partsOf,
  type WebhookRow,
} from '../webhooks/model.ts'
import { isTaken, send } from '../webhooks/send.ts'
import { deleteWebhook, findWebhook, insertWebhook, listWebhooks, updateWebhook } from '../webhooks/store.ts'
import { everything } from './about.ts'
import { int64, list, message, oneOf, required, text } from './fields.ts'
import { assertPageSize } from './pages.ts'
import { change, type MlflowRoute, route } from './route.ts'

const ID = { webhook_id: required(text) }
const EVENT = { entity: required(oneOf(ENTITIES)), action: required(oneOf(ACTIONS)) }
const GIVEN = {
  ...{ name: text, url: text, description: text, secret: text },
  ...{ events: list(required(message(EVENT))), status: oneOf(['ACTIVE', 'DISABLED']) },
}
const WEBHOOKS_A_PAGE = 100
const MOST = 1000
const SECRET_LENGTH = 1000
const DESCRIPTION_LENGTH = 5000
const URL_LENGTH = 2048

const subjectOf = (id: string): string => `webhooks/${id}`

/** Without its secret, which is told nobody. */
const answerOf = (row: WebhookRow) => ({
  webhook_id: row.id,
  name: row.name,
  description: row.description || undefined,
  url: row.url,
  events: eventsOf(row).map((event) => {
    const { entity, action } = partsOf(event)
    return { entity: entity.toUpperCase(), action: action.toUpperCase() }
  }),
  status: row.status,
  creation_timestamp: row.created_at,
  last_updated_timestamp: row.updated_at,
})

type Given = Partial<Pick<WebhookRow, 'name' | 'url' | 'description' | 'secret'>>

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function assertGiven({ name, url, description, secret }: Given, hosts: readonly string[]): void {
  if (name !== undefined) assertWebhookName(name)
  const lengths = [
    ['url', url, URL_LENGTH],
    ['description', description, DESCRIPTION_LENGTH],
    ['secret', secret, SECRET_LENGTH],
  ] as const
  for (const [field, value, most] of lengths)
    if ((value?.length ?? 0) > most)
      throw invalid(`'${field}' exceeds the maximum length of ${most} characters`)
  if (url !== undefined && receiverOf(url, hosts) === undefined)
    throw invalid(
      `Invalid webhook URL: '${url}'. It must be an https address of the internet without user and password; others can be allowed by their host in MILLWRIGHT_WEBHOOK_HOSTS.`,
    )
}

export const WEBHOOK_ROUTES: readonly MlflowRoute[] = [
  route('POST', 'webhooks', 'admin', {
    about: everything,
    fields: { ...GIVEN, name: required(text), url: required(text), events: required(GIVEN.events) },
    answer: change(async (db, { name, url, events, status, ...given }, { by, now, webhooks }) => {
      const { description = '', secret = '' } = given
      assertGiven({ name, url, description, secret }, webhooks.hosts)
      const at = now()
      const id = randomUUID()
      const webhook: WebhookRow = {
        ...{
          id,
          name,
          description,
          url,
          secret: webhooks.secrets.seal(id, secret),
          status: status ?? 'ACTIVE',
        },
        ...{ events: JSON.stringify([...new Set(events.map(eventFrom))]), created_at: at, updated_at: at },
      }
      await insertWebhook(db, webhook)
      await recordEvent(db, {
        at,
        by,
        type: 'webhook.created',
        subject: subjectOf(webhook.id),
        data: { name, url },
      })
      return { webhook: answerOf(webhook) }
    }),
  }),
  route('GET', 'webhooks', 'admin', {
    about: everything,
    fields: { max_results: int64, page_token: text },
    async answer({ db }, { max_results, page_token }) {
      const limit = assertPageSize(max_results ?? WEBHOOKS_A_PAGE, MOST)
      const after = page_token ? await findWebhook(db, page_token) : undefined
      const rows = await listWebhooks(db, { limit: limit + 1, after })
      const page = rows.slice(0, limit)
      return {
        webhooks: page.map(answerOf),
        next_page_token: rows.length > limit ? page.at(-1)!.id : undefined,
      }
    },
  }),
  route('GET', 'webhooks/{webhook_id}', 'admin', {
    about: everything,
    fields: ID,
    answer: async ({ db }, { webhook_id: id }) => ({ webhook: answerOf(await findWebhook(db, id)) }),
  }),
  route('PATCH', 'webhooks/{webhook_id}', 'admin', {
    about: everything,
    fields: { ...ID, ...GIVEN },
    answer: change(
      async (db, { webhook_id: id, events, ...given }, { by, now, webhooks: { hosts, secrets } }) => {
        const { name, url, description, secret, status } = given
        const before = await findWebhook(db, id)
        const changed = {
          ...(name && { name }),
          ...(url && { url }),
          ...(description !== undefined && { description }),
          ...(secret !== undefined && { secret }),
          ...(status && { status }),
          ...(events.length > 0 && { events: JSON.stringify([...new Set(events.map(eventFrom))]) }),
        }
        assertGiven(changed, hosts)
        const at = now()
        const data = { changed: Object.keys(changed) }
        await recordEvent(db, { at, by, type: 'webhook.changed', subject: subjectOf(id), data })
        const known = secret ?? secrets.unseal(id, before.secret)
        const sealed = known === undefined ? {} : { secret: secrets.seal(id, known) }
        return { webhook: answerOf(await updateWebhook(db, id, { ...changed, ...sealed, updated_at: at })) }
      },
    ),
  }),
  route('DELETE', 'webhooks/{webhook_id}', 'admin', {
    about: everything,
    fields: ID,
    answer: change(async (db, { webhook_id: id }, { by, now }) => {
      await deleteWebhook(db, id)
      await recordEvent(db, { at: now(), by, type: 'webhook.deleted', subject: subjectOf(id), data: {} })
    }),
  }),
  route('POST', 'webhooks/{webhook_id}/test', 'admin', {
    about: everything,
    fields: { ...ID, event: message(EVENT) },
    async answer({ db, now, webhooks }, { webhook_id, event: asked }) {
      const webhook = await findWebhook(db, webhook_id)
      const event = asked === undefined ? eventsOf(webhook)[0]! : eventFrom(asked)
      const body = bodyOf(event, EXAMPLES[event], now())
      const sent = await send({ ...webhook, webhook: webhook.id, id: randomUUID(), body }, webhooks)
      return {
        result: {
          success: isTaken(sent),
          response_status: sent.status ?? undefined,
          error_message: sent.fault ?? undefined,
        },
      }
    },
  }),
]
