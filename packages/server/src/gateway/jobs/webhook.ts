import { MillwrightError } from '@millwright/contracts/errors'
import type { Logger } from '../../logging.ts'
import { post as postTo } from '../../outgoing/post.ts'
import { receiverOf } from '../../outgoing/receiver.ts'
import { standardHeaders } from '../../outgoing/sign.ts'
import type { JobResult } from './job.ts'

export type Webhooks = {
  /** @throws MillwrightError WEBHOOK_REFUSED unless its host is one of those allowed */
  assertAllowed(url: string): void
  /**
   * Posts an answer, once: a receiver that fell silent may have taken it, so only what surely did not arrive is sent
   * again. Never throws.
   */
  deliver(to: Receiver, result: JobResult, body: string | Uint8Array): Promise<void>
}

export type Receiver = {
  readonly url: string
  /** `traceparent` and `tracestate` of what it is a part of. */
  readonly trace: Readonly<Record<string, string>>
}

type Options = {
  /** Hosts, with ports where they are not usual: `hooks.example.com`, `10.0.0.7:9000`. */
  readonly hosts: readonly string[]
  /** base64 after `whsec_`; '' sends no signature. */
  readonly secret: string
  readonly logger: Logger
}

const TIMEOUT_MS = 10_000
const PAUSES_MS = [500, 2_000, 10_000]
const NOT_ARRIVED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])
const NOT_TAKEN = new Set([429, 503])

/** Webhooks as `standardwebhooks` 1.0.0 signs them. Only hosts that are allowed by name are posted to. */
export function createWebhooks({ hosts, secret, logger }: Options): Webhooks {
  const listed = (text: string) => {
    const receiver = receiverOf(text, hosts)
    return receiver?.isListed ? receiver : undefined
  }
  const post = async (
    { url, trace }: Receiver,
    id: string,
    body: string,
  ): Promise<'taken' | 'again' | 'lost'> => {
    const receiver = listed(url)
    if (receiver === undefined) return 'lost'
    const seconds = Math.floor(Date.now() / 1000)
    const headers = {
      ...trace,
      'content-type': 'application/json',
      ...standardHeaders(secret, { id, seconds, body }),
    }
    try {
      const status = await postTo(receiver, { headers, body, timeoutMs: TIMEOUT_MS })
      if (NOT_TAKEN.has(status)) return 'again'
      return status >= 200 && status < 300 ? 'taken' : 'lost'
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return NOT_ARRIVED.has(code ?? '') ? 'again' : 'lost'
    }
  }
  return {
    assertAllowed(text) {
      if (listed(text) !== undefined) return
      const host = URL.canParse(text) ? new URL(text).host : text
      throw new MillwrightError('WEBHOOK_REFUSED', { host: host.slice(0, 128) })
    },
    async deliver(to, result, body) {
      const { id, status, acceptedAt, doneAt } = result
      const text = JSON.stringify({
        type: 'job.done',
        timestamp: new Date(doneAt).toISOString(),
        data: { id, status, accepted_at: new Date(acceptedAt).toISOString(), answer: parseAnswer(body) },
      })
      for (const pauseMs of [...PAUSES_MS, undefined]) {
        const outcome = await post(to, id, text)
        if (outcome === 'taken') return
        if (outcome === 'lost' || pauseMs === undefined) break
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
      logger.warn({ job: id }, `the webhook of job ${id} did not take its answer; it can be fetched`)
    },
  }
}

/** JSON as it is, anything else as base64. */
export function parseAnswer(body: string | Uint8Array): unknown {
  const bytes = Buffer.from(body)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return { base64: bytes.toString('base64') }
  }
}
