import { NOT_PUBLIC, post, SILENT } from '../outgoing/post.ts'
import { receiverOf } from '../outgoing/receiver.ts'
import { signature, standardHeaders } from '../outgoing/sign.ts'
import type { WebhookSecrets } from './secrets.ts'

const TIMEOUT_MS = 10_000

export type SendDeps = {
  /** Where webhooks may be although they are inside, or not asked by HTTPS. */
  readonly hosts: readonly string[]
  readonly secrets: WebhookSecrets
}

/** How sending ended. The words say nothing that the receiver sent, and of inner networks nothing at all. */
export type Sent = { readonly status: number | null; readonly fault: string | null }

export type ToSend = {
  readonly webhook: string
  readonly url: string
  /** As it is kept. */
  readonly secret: string
  readonly id: string
  readonly body: string
}

export const isTaken = ({ status }: Sent): boolean => status !== null && status >= 200 && status < 300

/** Sends once, with MLflow's headers and those of Standard Webhooks. Never throws. */
export async function send(
  { webhook, url, secret: kept, id, body }: ToSend,
  { hosts, secrets }: SendDeps,
  signal?: AbortSignal,
): Promise<Sent> {
  const receiver = receiverOf(url, hosts)
  if (receiver === undefined) return { status: null, fault: REFUSED }
  const secret = secrets.unseal(webhook, kept)
  if (secret === undefined) return { status: null, fault: UNREADABLE }
  const seconds = Math.floor(Date.now() / 1000)
  const signed = { id, seconds, body }
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'millwright',
    'x-mlflow-delivery-id': id,
    'x-mlflow-timestamp': `${seconds}`,
    ...(secret !== '' && { 'x-mlflow-signature': signature(Buffer.from(secret), signed) }),
    ...standardHeaders(secret, signed),
  }
  try {
    const status = await post(receiver, { headers, body, timeoutMs: TIMEOUT_MS, signal })
    return { status, fault: status >= 200 && status < 300 ? null : `the receiver answered ${status}` }
  } catch (error) {
    return { status: null, fault: FAULTS[(error as NodeJS.ErrnoException).code ?? ''] ?? UNREACHED }
  }
}

const REFUSED =
  'the address is not asked: it must be https and public, or its host be in MILLWRIGHT_WEBHOOK_HOSTS'
const UNREADABLE =
  'its secret was kept with the key of another data folder (signing.key), so nothing is sent; set the secret of the webhook again'
const UNREACHED = 'the receiver was not reached'
const FAULTS: Readonly<Record<string, string>> = {
  [NOT_PUBLIC]: REFUSED,
  [SILENT]: `the receiver did not answer within ${TIMEOUT_MS / 1000} s`,
}
