import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Secrets of webhooks as the database keeps them. '' is none, and stays so. */
export type WebhookSecrets = {
  readonly seal: (webhook: string, secret: string) => string
  /** @returns undefined when it was kept with another key, or for another webhook */
  readonly unseal: (webhook: string, kept: string) => string | undefined
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const FORM = 'v1:'
/** `v1:` and base64url of nonce, tag and at least one byte of text. Anything else was kept as it is, before secrets were sealed. */
const SEALED = /^v1:[\w-]{39,}$/

/** AES-256-GCM by a key of its own, derived from the data folder's, and bound to the webhook's id. */
export function createWebhookSecrets(dataKey: Buffer): WebhookSecrets {
  const key = Buffer.from(hkdfSync('sha256', dataKey, '', 'millwright webhook secrets v1', KEY_BYTES))
  return {
    seal(webhook, secret) {
      if (secret === '') return ''
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(webhook))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return FORM + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    unseal(webhook, kept) {
      if (!SEALED.test(kept)) return kept
      const bytes = Buffer.from(kept.slice(FORM.length), 'base64url')
      const [nonce, tag] = [
        bytes.subarray(0, NONCE_BYTES),
        bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES),
      ]
      const cipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(webhook))
        .setAuthTag(tag)
      try {
        return (
          cipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + cipher.final('utf8')
        )
      } catch {
        return undefined
      }
    },
  }
}
