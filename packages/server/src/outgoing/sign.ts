import { createHmac } from 'node:crypto'

export type Signed = {
  readonly id: string
  /** Since 1970. */
  readonly seconds: number
  readonly body: string
}

/** `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64: Standard Webhooks' form and MLflow's. */
export const signature = (key: Buffer, { id, seconds, body }: Signed): string =>
  `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`

/** A secret as Standard Webhooks reads it: base64 after `whsec_`, any other text as it is. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)

/** Headers of Standard Webhooks 1.0.0. @param secret '': unsigned */
export const standardHeaders = (secret: string, signed: Signed): Record<string, string> => ({
  'webhook-id': signed.id,
  'webhook-timestamp': `${signed.seconds}`,
  ...(secret !== '' && { 'webhook-signature': signature(keyOf(secret), signed) }),
})
