import type { Selectable } from 'kysely'
import type { Tables } from '../db/tables.ts'
import { invalid } from '../tracking/errors.ts'

export type WebhookRow = Selectable<Tables['webhooks']>
export type DeliveryRow = Selectable<Tables['webhook_deliveries']>

const NAMED = { name: 'example', tags: { example_key: 'example_value' }, description: 'An example' }
const VERSION = { name: 'example', version: '1' }
const TAG = { key: 'example_key', value: 'example_value' }
const ALIAS = { name: 'example', alias: 'example_alias' }

/** All that webhooks are told of, as MLflow calls it, with what `…/test` says. */
export const EXAMPLES = {
  'registered_model.created': NAMED,
  'model_version.created': { ...NAMED, version: '1', source: 'models:/m-example', run_id: 'abcd1234' },
  'model_version_tag.set': { ...VERSION, ...TAG },
  'model_version_tag.deleted': { ...VERSION, key: TAG.key },
  'model_version_alias.created': { ...ALIAS, version: '1' },
  'model_version_alias.deleted': ALIAS,
  'prompt.created': NAMED,
  'prompt_version.created': { ...NAMED, version: '1', template: 'Hello {{name}}!' },
  'prompt_tag.set': { name: 'example', ...TAG },
  'prompt_tag.deleted': { name: 'example', key: TAG.key },
  'prompt_version_tag.set': { ...VERSION, ...TAG },
  'prompt_version_tag.deleted': { ...VERSION, key: TAG.key },
  'prompt_alias.created': { ...ALIAS, version: '1' },
  'prompt_alias.deleted': ALIAS,
} as const satisfies Readonly<Record<string, object>>
export type WebhookEvent = keyof typeof EXAMPLES

/** In the order of their numbers, from 1. */
export const ENTITIES = [
  ...(['REGISTERED_MODEL', 'MODEL_VERSION', 'MODEL_VERSION_TAG', 'MODEL_VERSION_ALIAS'] as const),
  ...(['PROMPT', 'PROMPT_VERSION', 'PROMPT_TAG', 'PROMPT_VERSION_TAG', 'PROMPT_ALIAS'] as const),
  'BUDGET_POLICY',
] as const
export const ACTIONS = ['CREATED', 'UPDATED', 'DELETED', 'SET', 'EXCEEDED'] as const
export type EventParts = {
  readonly entity: (typeof ENTITIES)[number]
  readonly action: (typeof ACTIONS)[number]
}

/** @throws MlflowError INVALID_PARAMETER_VALUE for what nobody is told of */
export function eventFrom({ entity, action }: EventParts): WebhookEvent {
  const event = `${entity}.${action}`.toLowerCase()
  if (Object.hasOwn(EXAMPLES, event)) return event as WebhookEvent
  const valid = Object.keys(EXAMPLES)
    .filter((name) => name.startsWith(`${entity.toLowerCase()}.`))
    .map((name) => `'${name.split('.')[1]}'`)
  throw invalid(
    `Invalid action '${action.toLowerCase()}' for entity '${entity.toLowerCase()}'. Valid actions are: [${valid.join(', ')}]`,
  )
}

export function partsOf(event: string): { readonly entity: string; readonly action: string } {
  const [entity = '', action = ''] = event.split('.')
  return { entity, action }
}

export const eventsOf = ({ events }: Pick<WebhookRow, 'events'>): WebhookEvent[] =>
  JSON.parse(events) as WebhookEvent[]

/** What is sent: written once, and the same each time. */
export function bodyOf(event: WebhookEvent, data: object, now: number): string {
  return JSON.stringify({ ...partsOf(event), timestamp: new Date(now).toISOString(), data })
}

const NAME = /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertWebhookName(name: string): void {
  if (!NAME.test(name))
    throw invalid(
      `Webhook name '${name.slice(0, 100)}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
    )
}

/** How often something is sent before it is given up, over some four hours. */
export const MOST_ATTEMPTS = 16
const FIRST_PAUSE_MS = 1000
const MOST_PAUSE_MS = 3_600_000

/** Until the next attempt: doubled each time, and up to half of it less, so that receivers that fell are not all asked at once. */
export const pauseMs = (attempts: number, random: number): number =>
  Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), MOST_PAUSE_MS) * (1 - random / 2)
