import { NOT_PUBLIC, post, SILENT } from '../outgoing/post.ts'
import { receiverOf } from '../outgoing/receiver.ts'
import { signature, standardHeaders } from '../outgoing/sign.ts'

const TIMEOUT_MS = 10_000

/** How sending ended. The words say nothing that the receiver sent, and of inner networks nothing at all. */
export type Sent = { readonly status: number | null; readonly fault: string | null }

export type ToSend = {
  readonly url: string
  readonly secret: string
  readonly id: string
  readonly body: string
}

export const isTaken = ({ status }: Sent): boolean => status !== null && status >= 200 && status < 300

/** Sends once, with MLflow's headers and those of Standard Webhooks. Never throws. */
export async function send(
  { url, secret, id, body }: ToSend,
  { hosts, signal }: { readonly hosts: readonly string[]; readonly signal?: AbortSignal },
): Promise<Sent> {
  const receiver = receiverOf(url, hosts)
  if (receiver === undefined) return { status: null, fault: REFUSED }
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
const UNREACHED = 'the receiver was not reached'
const FAULTS: Readonly<Record<string, string>> = {
  [NOT_PUBLIC]: REFUSED,
  [SILENT]: `the receiver did not answer within ${TIMEOUT_MS / 1000} s`,
}
