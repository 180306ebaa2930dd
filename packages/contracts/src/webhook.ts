import { z } from 'zod'
import { Timestamp } from './names.ts'

/** Who is told of changes of the registry. Its secret is told nobody. */
export const Webhook = z.object({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  status: z.enum(['ACTIVE', 'DISABLED']),
  created_at: Timestamp,
})
export type Webhook = z.infer<typeof Webhook>

export const DELIVERY_STATES = ['WAITING', 'DELIVERED', 'DEAD'] as const

/** What a webhook is told once. */
export const WebhookDelivery = z.object({
  /** What the receiver sees as `webhook-id`. */
  id: z.string(),
  event: z.string(),
  /** DEAD: it was sent as often as is tried, and not taken. */
  state: z.enum(DELIVERY_STATES),
  attempts: z.int(),
  created_at: Timestamp,
  /** When it is sent next; null: no more. */
  due_at: Timestamp.nullable(),
  /** Of the last answer. */
  response_status: z.int().nullable(),
  error: z.string().nullable(),
})
export type WebhookDelivery = z.infer<typeof WebhookDelivery>
